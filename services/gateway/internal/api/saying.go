package api

import (
	"context"
	"encoding/json"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
)

// saying makes of events what is shown of them.
type saying func(context.Context, []*live.Event) ([]*live.Event, error)

// stream shows a deployment in a dialect: as GET /v1/deployments/:id/events does it, with
// the caller's permission for that, and in other words.
func (n *native) stream(ctx context.Context, s dialects.Stream) (answer, error) {
	query := n.outer.http.QueryParams()
	query = map[string][]string{"after": query["after"]}
	if len(query["after"]) == 0 {
		query = nil
	}
	r, c, err := n.call(ctx, dialects.Operation{Route: "GET /v1/deployments/:id/events", Params: []string{s.Deployment}, Query: query})
	if err != nil {
		return answer{}, err
	}
	if last := n.outer.http.Request().Header.Get(headerLastEvent); last != "" {
		c.http.Request().Header.Set(headerLastEvent, last)
	}
	n.outer.say = inWords(s.Say)
	return n.api.pass(n.outer, r, c) //nolint:contextcheck // the call has it
}

// inWords has events said by a dialect. What is made of one has its id, all of it.
func inWords(say func(context.Context, dialects.Event) ([]dialects.Message, error)) saying {
	return func(ctx context.Context, events []*live.Event) (shown []*live.Event, err error) {
		for _, e := range events {
			var told dialects.Event
			if err := json.Unmarshal(e.JSON, &told); err != nil {
				return nil, err
			}
			messages, err := say(ctx, told)
			if err != nil {
				return nil, err
			}
			for _, m := range messages {
				text, err := json.Marshal(m.Body)
				if err != nil {
					return nil, err
				}
				shown = append(shown, &live.Event{Seq: e.Seq, Type: m.Type, Deployment: e.Deployment, Project: e.Project, JSON: text})
			}
		}
		return shown, nil
	}
}
