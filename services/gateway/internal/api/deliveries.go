package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const maxDeliveryID = 255 // characters

// delivery is a delivery to a webhook as it is sent.
type delivery struct {
	ID         string                 `json:"id"`
	Type       string                 `json:"type"`
	Deployment string                 `json:"deployment,omitempty"`
	State      webhooks.DeliveryState `json:"state"`
	CreatedAt  time.Time              `json:"created_at"`
	EndedAt    *time.Time             `json:"ended_at,omitempty"`
	Attempts   int                    `json:"attempts"`
	NextAt     *time.Time             `json:"next_attempt_at,omitempty"`
	Last       *attempt               `json:"last_attempt,omitempty"`
	Replays    int                    `json:"replays"`
	Body       json.RawMessage        `json:"body,omitempty"` // where one is asked for
}

// attempt is how a try of a delivery went.
type attempt struct {
	At       time.Time `json:"at"`
	TookMS   int64     `json:"took_ms"`
	Status   int       `json:"status,omitempty"`
	Error    string    `json:"error,omitempty"`
	Response string    `json:"response,omitempty"`
}

func deliveryOf(d webhooks.Delivery) delivery {
	out := delivery{
		ID: d.ID, Type: d.Type, Deployment: d.Deployment, State: d.State, CreatedAt: d.CreatedAt, Attempts: d.Attempts, Replays: d.Replays,
		EndedAt: given(d.EndedAt), NextAt: given(d.Next),
	}
	if l := d.Last; l != nil {
		out.Last = &attempt{l.At, l.Took.Milliseconds(), l.Status, l.Error, l.Response}
	}
	return out
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// listDeliveries answers with the deliveries to a webhook, newest first: those under way and the last that ended.
func (a *API) listDeliveries(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	limit := readLimit(q)
	after := readCursor(q, &c.errs, func(id string) bool { return rule.Printable(id, 1, maxDeliveryID) == "" })
	state := webhooks.DeliveryState(q.OneOf("state", string(webhooks.Waiting), string(webhooks.Delivered), string(webhooks.Dead)))
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	if _, _, err := a.webhook(c, c.id()); err != nil {
		return answer{}, err
	}
	found, more, err := a.Webhooks.Ledger.Page(c.ctx, c.id(), webhooks.Page{Seen: c.shows, State: state, After: after, Limit: limit})
	if err != nil {
		return answer{}, err
	}
	next := ""
	if more {
		next = found[len(found)-1].Place()
	}
	return ok(pageOf(found, next, deliveryOf))
}

// shows says whether the call is permitted for the delivery: by the project of its event, whatever the projects of the
// webhook are now. A test tells of nothing but the webhook.
func (c *call) shows(d webhooks.Delivery) bool {
	return d.Type == webhooks.TypeTest || c.unlimited() || c.caller.Grants.Allow(c.needs, d.Project)
}

// delivery returns the delivery in the path, if the caller may see it.
func (a *API) delivery(c *call) (webhooks.Delivery, error) {
	d, err := a.Webhooks.Ledger.Find(c.ctx, c.id(), c.name("delivery"))
	if err == nil && !c.shows(d) {
		return webhooks.Delivery{}, webhooks.ErrNoDelivery
	}
	return d, err
}

func (a *API) getDelivery(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if _, _, err := a.webhook(c, c.id()); err != nil {
		return answer{}, err
	}
	d, err := a.delivery(c)
	if err != nil {
		return answer{}, err
	}
	out := deliveryOf(d)
	out.Body = d.Body
	return ok(out)
}

func (a *API) replayDelivery(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	w, _, err := a.webhook(c, c.id())
	if err != nil {
		return answer{}, err
	}
	if w.State == webhooks.Disabled {
		return answer{}, notWhile(w)
	}
	d, err := a.delivery(c)
	switch {
	case err != nil:
		return answer{}, err
	case !w.Hears(d):
		return answer{}, problemf(codeState, "the webhook is not told of the project of this event any more")
	}
	d, err = a.Webhooks.Ledger.Replay(c.ctx, w.ID, d.ID, c.attempt.Resource, time.Now())
	return under(d, err)
}

func (a *API) testWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	w, _, err := a.webhook(c, c.id())
	if err != nil {
		return answer{}, err
	}
	if w.State != webhooks.Active {
		return answer{}, notWhile(w)
	}
	d, err := a.Webhooks.Ledger.Test(c.ctx, w, a.Webhooks.Installation, c.attempt.Resource, time.Now())
	return under(d, err)
}

func notWhile(w webhooks.Webhook) error {
	return problemf(codeState, "the webhook is %s: resume it first", w.State)
}

func under(d webhooks.Delivery, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, body: deliveryOf(d)}, nil
}

func (a *API) pauseWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	reason := readReason(o)
	o.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	return a.altered(c, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		return w.Pause(c.caller.Name, reason, time.Now()), nil
	})
}

func (a *API) resumeWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	return a.altered(c, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		last, err := a.Webhooks.Store.Last(c.ctx)
		return w.Resume(last), err
	})
}

// altered changes the webhook in the path once, however often the request is repeated, and answers with it.
func (a *API) altered(c *call, change func(webhooks.Webhook) (webhooks.Webhook, error)) (answer, error) {
	must, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	if must != 0 && c.attempt.Resumed { // an earlier attempt may have found that revision, and made another of it
		if w, rev, err := a.webhook(c, c.id()); err == nil && w.Followed(c.attempt.Resource) {
			return webhookAnswer(http.StatusOK, w, rev), nil
		}
	}
	w, rev, err := a.alter(c, must, func(w webhooks.Webhook) (webhooks.Webhook, error) { return w.Once(c.attempt.Resource, change) })
	if err != nil {
		return answer{}, err
	}
	return webhookAnswer(http.StatusOK, w, rev), nil
}

func (a *API) rotateWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if err := a.Webhooks.on(); err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	r := webhooks.ReadRotation(o)
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	secret := "" // of the webhook; one that an earlier attempt made was shown to nobody else, and is not known any more
	got, err := a.altered(c, func(w webhooks.Webhook) (next webhooks.Webhook, err error) {
		next, secret, err = r.Apply(w, a.Webhooks.Seal, time.Now())
		return next, err
	})
	if err != nil {
		return answer{}, err
	}
	return got.showing(secret), nil
}
