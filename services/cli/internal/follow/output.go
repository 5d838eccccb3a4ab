package follow

import (
	"context"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Speakers is what is asked of the gateway.
type Speakers interface {
	Deployment(ctx context.Context, id string) (client.Deployment, error)
	Output(ctx context.Context, id string, q client.OutputQuery, cursor string) (client.OutputPage, error)
}

// Output hands all that was said for a deployment to show, and what is still said until it has ended, and returns how it
// ended. It fails when the gateway or show does, or with the cause of the context's end.
func Output(ctx context.Context, api Speakers, id string, q client.OutputQuery, show func([]client.OutputLine) error) (client.Deployment, error) {
	cursor := ""
	for {
		d, err := api.Deployment(ctx, id) // first: once it has ended, nothing comes that the next look does not see
		if err != nil {
			return d, err
		}
		if cursor, err = SaidSoFar(ctx, api, id, q, cursor, show); err != nil || d.State.Ended() {
			return d, err
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return d, context.Cause(ctx)
		}
	}
}

// SaidSoFar hands what was said by now to show, from a cursor on, and returns the one for what follows.
func SaidSoFar(ctx context.Context, api Speakers, id string, q client.OutputQuery, cursor string, show func([]client.OutputLine) error) (string, error) {
	for {
		p, err := api.Output(ctx, id, q, cursor)
		if err != nil {
			return cursor, err
		}
		if err := show(p.Items); err != nil {
			return cursor, err
		}
		if cursor = p.Position; p.Next == "" {
			return cursor, nil
		}
	}
}
