package webhooks

import (
	"encoding/json"
	"strconv"
	"time"
)

// Delivery is an event on its way to a webhook, or after it, as it is stored.
type Delivery struct {
	ID         string          `json:"id"` // of the event
	Webhook    string          `json:"webhook"`
	Lane       string          `json:"lane"`  // deliveries of one lane go one after the other
	Order      string          `json:"order"` // where in the lane
	Type       string          `json:"type"`
	Deployment string          `json:"deployment,omitempty"`
	Project    string          `json:"project,omitempty"` // of the event; "": it has none, or is about a webhook
	State      DeliveryState   `json:"state"`
	CreatedAt  time.Time       `json:"created_at"` // or replayed
	Attempts   int             `json:"attempts"`
	Next       time.Time       `json:"next,omitzero"` // when it is tried again
	Last       *Attempt        `json:"last,omitempty"`
	EndedAt    time.Time       `json:"ended_at,omitzero"`
	Replays    int             `json:"replays,omitempty"`
	Request    string          `json:"request,omitempty"` // id of the one that asked for it last; empty: an event did
	Body       json.RawMessage `json:"body"`

	Traceparent string `json:"traceparent,omitempty"` // of the event
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of deliveries.
const (
	Waiting   DeliveryState = "waiting"
	Delivered DeliveryState = "delivered"
	Dead      DeliveryState = "dead"
)

// Attempt is how a try of a delivery went.
type Attempt struct {
	At       time.Time     `json:"at"`
	Took     time.Duration `json:"took"`               // nanoseconds
	Status   int           `json:"status,omitempty"`   // of HTTP; 0: there was no answer
	Error    string        `json:"error,omitempty"`    // why it failed; empty: it did not
	Response string        `json:"response,omitempty"` // the beginning of the answer's body
}

// Of is the delivery of an event to a webhook.
func (e Event) Of(w Webhook, body json.RawMessage, now time.Time) Delivery {
	d := Delivery{
		ID: e.ID, Webhook: w.ID, Lane: e.Deployment, Order: sequence(e.Seq), Type: e.Type, Deployment: e.Deployment, Project: e.Project,
		State: Waiting, CreatedAt: now.UTC().Truncate(time.Millisecond), Body: body,
		Traceparent: e.Traceparent,
	}
	if e.Deployment == "" { // nothing else is to wait for it, nor it for anything
		d.Lane, d.Order = e.ID, sequence(0)
	}
	return d
}

// Seq is the event in EV that is delivered; 0: it is about a webhook.
func (d Delivery) Seq() uint64 {
	seq, _ := strconv.ParseUint(d.Order, 10, 64) // as sequence wrote it
	return seq
}

// again is the delivery once it is replayed because this request asked for it.
func (d Delivery) again(request string, now time.Time) Delivery {
	d.Request = request
	d.State, d.CreatedAt, d.Attempts, d.Next, d.EndedAt = Waiting, now.UTC().Truncate(time.Millisecond), 0, time.Time{}, time.Time{}
	d.Replays++
	return d
}

// End is the delivery once it has ended.
func (d Delivery) End(as DeliveryState, now time.Time) Delivery {
	d.State, d.EndedAt, d.Next = as, now.UTC().Truncate(time.Millisecond), time.Time{}
	return d
}
