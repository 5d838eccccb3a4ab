package retention

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// Folded returns a function that says whether documents hold all events of a deployment,
// as far as EV keeps any.
func Folded(nc *nats.Conn, checkpoint func(context.Context) (fold.Checkpoint, error)) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, deployment string) (bool, error) {
		js, err := jetstream.New(nc)
		if err != nil {
			return false, err
		}
		events, err := js.Stream(ctx, contract.StreamEvents)
		if err != nil {
			return false, fmt.Errorf("look at the event stream: %w", err)
		}
		last, err := events.GetLastMsgForSubject(ctx, contract.DeploymentEvents(deployment))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return true, nil
		case err != nil:
			return false, fmt.Errorf("look at the last event of %s: %w", deployment, err)
		}
		at, err := checkpoint(ctx)
		return err == nil && at.Installation == events.CachedInfo().Config.Metadata[contract.MetadataInstallation] && last.Sequence <= at.Seq, err
	}
}
