package courier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// keptHeadways is of how many deployments it is remembered how far they are.
const keptHeadways = 1000

// headways makes what callbacks are told that want to know how far their deployments are.
// Which events tell them something follows from the events before alone: a courier that
// comes later tells the same.
type headways struct {
	bus   *bus.Bus
	forms map[string]webhooks.Form
	kept  map[string]*headway
}

type headway struct {
	deploy.Follower
	seq  uint64 // the last event
	told string
}

// tell returns the delivery of how far the deployment is after this event, and false where
// that is nothing new.
func (s *headways) tell(ctx context.Context, w webhooks.Webhook, seq uint64, m contract.Message) (webhooks.Delivery, bool, error) {
	form, known := s.forms[w.Format]
	if !known { // of a gateway that is newer
		return webhooks.Delivery{}, false, nil
	}
	h := s.kept[m.Deployment]
	if h == nil || h.seq >= seq {
		h = &headway{}
		if err := s.catchUp(ctx, h, form, m.Deployment, seq); err != nil {
			return webhooks.Delivery{}, false, err
		}
		if len(s.kept) >= keptHeadways {
			clear(s.kept)
		}
		s.kept[m.Deployment] = h
	}
	body, changed := h.take(form, m, seq)
	if h.State.Terminal() {
		delete(s.kept, m.Deployment)
	}
	if !changed {
		return webhooks.Delivery{}, false, nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return webhooks.Delivery{}, false, err
	}
	e := webhooks.Event{
		ID: fmt.Sprintf("%s-%d", m.Deployment, seq), Seq: seq, Type: webhooks.TypeHeadway, Time: m.Time, Deployment: m.Deployment, Project: m.Project,
	}
	return e.Of(w, text, time.Now()), true, nil
}

// take folds an event, and says whether there is something new to tell then.
func (h *headway) take(form webhooks.Form, m contract.Message, seq uint64) (body any, changed bool) {
	h.seq = seq
	r, err := contract.EventRecord(m, seq)
	if err != nil { // history sets it aside, too
		return nil, false
	}
	h.Fold(r)
	body, told := form(m.Deployment, h.Metadata, h.Headway, m.Time)
	changed = told != h.told
	h.told = told
	return body, changed
}

var errThere = errors.New("the event is reached")

// catchUp folds what has happened in the deployment before the event of this sequence.
func (s *headways) catchUp(ctx context.Context, h *headway, form webhooks.Form, deployment string, seq uint64) error {
	subjects := []string{contract.SystemEventSubject(deployment), contract.JobEventsOf(deployment)}
	err := s.bus.Scan(ctx, contract.StreamEvents, subjects, func(stored bus.Stored) error {
		if stored.Seq >= seq {
			return errThere
		}
		if m, err := contract.Decode(stored.Data); err == nil {
			h.take(form, m, stored.Seq)
		}
		return nil
	})
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}
