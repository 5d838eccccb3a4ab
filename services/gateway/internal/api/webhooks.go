package api

import (
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// Webhooks is what the API needs to keep webhooks and to show what becomes of them.
type Webhooks struct {
	Store        *webhooks.Store
	Ledger       *webhooks.Ledger
	Guard        netguard.Guard // where they may lead
	Seal         seal.PublicKey // what their secrets are sealed to; zero: there can be none
	Installation string
}

// on fails where the installation has no key for secrets.
func (w Webhooks) on() error {
	if w.Seal == (seal.PublicKey{}) {
		return webhooks.ErrOff
	}
	return nil
}

// webhook is a webhook as it is sent. Its secret is, in the answer that makes it, and only there.
type webhook struct {
	ID            string            `json:"id"`
	URL           string            `json:"url"`
	Description   string            `json:"description,omitempty"`
	Events        []string          `json:"events"`
	Projects      []string          `json:"projects,omitempty"`
	Applications  []string          `json:"applications,omitempty"`
	Deployment    string            `json:"deployment,omitempty"`
	Format        string            `json:"callback_format,omitempty"`
	Owner         string            `json:"owner"`
	State         webhooks.State    `json:"state"`
	Stopped       *webhooks.Stopped `json:"stopped,omitempty"`
	Failing       *webhooks.Failing `json:"failing,omitempty"`
	Signed        bool              `json:"signed"`
	PreviousUntil *time.Time        `json:"previous_secret_until,omitempty"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
	Secret        string            `json:"secret,omitempty"`
}

func webhookOf(w webhooks.Webhook) webhook {
	out := webhook{
		ID: w.ID, URL: w.URL, Description: w.Description, Events: w.Events, Projects: w.Projects, Applications: w.Applications,
		Deployment: w.Deployment, Format: w.Format, Owner: w.Owner, State: w.State, Stopped: w.Stopped, Failing: w.Failing, Signed: w.Secret != "",
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
	if w.Previous != nil && time.Now().Before(w.Previous.Until) {
		out.PreviousUntil = &w.Previous.Until
	}
	return out
}

func webhookAnswer(status int, w webhooks.Webhook, rev uint64) answer {
	return answer{status: status, header: map[string]string{"ETag": etag(rev)}, body: webhookOf(w)}
}

// showing adds a secret to an answer about a webhook. A repeat of the request does not get it: what is kept for repeats
// holds no secrets.
func (a answer) showing(secret string) answer {
	if out, ok := a.body.(webhook); ok && secret != "" {
		a.kept = out
		out.Secret = secret
		a.body = out
	}
	return a
}

// webhook returns the webhook of this id and its revision, if the caller may see it.
func (a *API) webhook(c *call, id string) (webhooks.Webhook, uint64, error) {
	w, rev, err := a.Webhooks.Store.Get(c.ctx, id)
	if err == nil && !c.sees(w.Projects) {
		return webhooks.Webhook{}, 0, webhooks.ErrNotFound
	}
	return w, rev, err
}

// covers fails where the webhook is told of more than the caller has a say in.
func (c *call) covers(w webhooks.Webhook) error {
	if c.sees(w.Projects) {
		return nil
	}
	for _, project := range w.Projects {
		if err := c.within(project); err != nil {
			return err
		}
	}
	return c.within(access.All)
}

// alter lets fn change the webhook in the path, as Store.Change does, if the caller may
// both before and after.
func (a *API) alter(c *call, must uint64, fn func(webhooks.Webhook) (webhooks.Webhook, error)) (webhooks.Webhook, uint64, error) {
	return a.Webhooks.Store.Change(c.ctx, c.id(), must, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		if !c.sees(w.Projects) {
			return w, webhooks.ErrNotFound
		}
		next, err := fn(w)
		if err == nil {
			err = c.covers(next)
		}
		return next, err
	})
}

func (a *API) createWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if err := a.Webhooks.on(); err != nil {
		return answer{}, err
	}
	if c.attempt.Resumed {
		if w, rev, err := a.webhook(c, c.attempt.Resource); err == nil {
			return webhookCreated(w, rev), nil
		}
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	in := webhooks.ReadNew(o, &c.errs, a.Webhooks.Guard)
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	w, secret, err := in.Apply(webhooks.Webhook{ID: c.attempt.Resource, Owner: c.caller.Name}, a.Webhooks.Seal, time.Now())
	if err != nil {
		return answer{}, err
	}
	if err := c.covers(w); err != nil {
		return answer{}, err
	}
	stored, rev, err := a.Webhooks.Store.Create(c.ctx, w)
	if err != nil {
		return answer{}, err
	}
	if stored.Secret != w.Secret { // an earlier attempt of this request was first, with another
		secret = ""
	}
	return webhookCreated(stored, rev).showing(secret), nil
}

func webhookCreated(w webhooks.Webhook, rev uint64) answer {
	got := webhookAnswer(http.StatusCreated, w, rev)
	got.header["Location"] = "/v1/webhooks/" + w.ID
	return got
}

func (a *API) listWebhooks(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	f := webhooks.Filter{Fits: func(w webhooks.Webhook) bool { return c.sees(w.Projects) }, Limit: readLimit(q), After: readCursor(q, &c.errs, contract.ValidToken)}
	f.State = webhooks.State(q.OneOf("state", string(webhooks.Active), string(webhooks.Paused), string(webhooks.Disabled)))
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	c.looked = true // where there is no webhook, too
	found, more, err := a.Webhooks.Store.List(c.ctx, f)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if more {
		next = found[len(found)-1].ID
	}
	return ok(pageOf(found, next, webhookOf))
}

func (a *API) getWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	w, rev, err := a.webhook(c, c.id())
	if err != nil {
		return answer{}, err
	}
	return webhookAnswer(http.StatusOK, w, rev), nil
}

func (a *API) changeWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	must, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	in := webhooks.ReadPatch(o, &c.errs, a.Webhooks.Guard)
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	w, rev, err := a.alter(c, must, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		next, _, err := in.Apply(w, a.Webhooks.Seal, time.Now())
		return next, err
	})
	if err != nil {
		return answer{}, err
	}
	return webhookAnswer(http.StatusOK, w, rev), nil
}

func (a *API) deleteWebhook(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	must, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	if _, _, err := a.webhook(c, c.id()); err != nil {
		return answer{}, err
	}
	if err := a.Webhooks.Store.Delete(c.ctx, c.id(), must); err != nil {
		return answer{}, err
	}
	if err := a.Webhooks.Ledger.Forget(c.ctx, c.id()); err != nil { // it goes by itself, in a month
		a.Log.Debug().Err(err).Str("webhook", c.id()).Msg("what is kept of deliveries to a deleted webhook stays for now")
	}
	return answer{status: http.StatusNoContent}, nil
}
