package webhooks

import (
	"reflect"
	"slices"
	"time"
)

// Webhook is where events are sent to, as it is stored.
type Webhook struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Description  string    `json:"description,omitempty"`
	Events       []string  `json:"events"`                 // patterns of types; see Event.wantedBy
	Projects     []string  `json:"projects,omitempty"`     // empty: all
	Applications []string  `json:"applications,omitempty"` // empty: all
	Secret       string    `json:"secret,omitempty"`       // sealed; empty: what is sent is not signed
	Previous     *Previous `json:"previous,omitempty"`
	Deployment   string    `json:"deployment,omitempty"` // whose callback it is; empty: of none
	Format       string    `json:"format,omitempty"`     // of a callback: the Form that it is told in; empty: events
	Owner        string    `json:"owner"`                // name of the token that made it
	State        State     `json:"state"`
	Stopped      *Stopped  `json:"stopped,omitempty"` // why it is not active
	Failing      *Failing  `json:"failing,omitempty"` // since its receiver last answered 2xx
	Since        uint64    `json:"since"`             // events up to this one are not for it
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"` // by a person

	// Untold says that others are to be told yet that Slipway stopped it.
	Untold bool `json:"untold,omitempty"`
	// Over is when the deployment whose callback it is ended.
	Over *time.Time `json:"over,omitempty"`
	// Requests are the ids of the last ones that changed it by Once, the newest last.
	Requests []string `json:"requests,omitempty"`
}

// keepRequests is how many requests a webhook remembers: more than change it while one of them may still be repeated.
const keepRequests = 16

// Once is the webhook once fn has changed it for the request of this id. What that request has changed by an earlier attempt
// stays as it is, whatever happened since.
func (w Webhook) Once(request string, fn func(Webhook) (Webhook, error)) (Webhook, error) {
	if w.Followed(request) {
		return w, nil
	}
	next, err := fn(w)
	if err != nil || reflect.DeepEqual(next, w) {
		return next, err
	}
	next.Requests = append(slices.Clone(w.Requests), request)
	next.Requests = next.Requests[max(0, len(next.Requests)-keepRequests):]
	return next, nil
}

// Followed says whether the request of this id has changed the webhook by Once.
func (w Webhook) Followed(request string) bool { return slices.Contains(w.Requests, request) }

// Previous is the secret before, with which what is sent is signed too for a while.
type Previous struct {
	Secret string    `json:"secret"` // sealed
	Until  time.Time `json:"until"`
}

// State is whether a webhook is told of events.
type State string

// The states of webhooks.
const (
	Active   State = "active"
	Paused   State = "paused"   // what is for it waits
	Disabled State = "disabled" // its receiver said that it is gone; what is for it is not sent
)

// Stopped is why a webhook is not active.
type Stopped struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"` // name of a token, or BySlipway
	Reason string    `json:"reason"`
}

// BySlipway is who stopped a webhook where no person did.
const BySlipway = "slipway"

// Failing is how long a receiver has not answered 2xx.
type Failing struct {
	Since time.Time `json:"since"`
	Error string    `json:"error"` // of the first failure
}

// wants says whether the webhook is to be told of the event.
func (w Webhook) wants(e Event) bool {
	if w.State == Disabled || w.Format != "" && e.Seq != 0 || e.Seq != 0 && e.Seq <= w.Since {
		return false
	}
	if w.Deployment != "" && w.Deployment != e.Deployment {
		return false
	}
	return e.wantedBy(w.Events) && chosen(w.Projects, e.Project) && chosen(w.Applications, e.Application)
}

// Hears says whether the webhook may still be told of what is delivered: its projects may be others than when the event
// was.
func (w Webhook) Hears(d Delivery) bool {
	return len(w.Projects) == 0 || d.Type == TypeTest || chosen(w.Projects, d.Project)
}

func chosen(from []string, one string) bool { return len(from) == 0 || slices.Contains(from, one) }

// Stop is the webhook once it is stopped, by a person or by Slipway.
func (w Webhook) Stop(as State, by, reason string, now time.Time) Webhook {
	w.State, w.Stopped = as, &Stopped{At: now.UTC().Truncate(time.Millisecond), By: by, Reason: reason}
	w.Untold = by == BySlipway
	return w
}

// Pause is the webhook once a person has paused it. One that is not active stays as it is.
func (w Webhook) Pause(by, reason string, now time.Time) Webhook {
	if w.State != Active {
		return w
	}
	return w.Stop(Paused, by, reason, now)
}

// Resume is the webhook once it is active again, whatever stopped it. last is the last event so far: one that was disabled
// is told of what follows.
func (w Webhook) Resume(last uint64) Webhook {
	if w.State == Disabled {
		w.Since = last
	}
	w.State, w.Stopped, w.Failing, w.Untold = Active, nil, nil, false
	return w
}
