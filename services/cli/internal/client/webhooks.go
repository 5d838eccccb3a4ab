package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Webhook is where events are sent to.
type Webhook struct {
	ID            string     `json:"id"`
	URL           string     `json:"url"`
	Description   string     `json:"description,omitempty"`
	Events        []string   `json:"events"`
	Projects      []string   `json:"projects,omitempty"`
	Applications  []string   `json:"applications,omitempty"`
	Deployment    string     `json:"deployment,omitempty"`      // whose callback it is
	Format        string     `json:"callback_format,omitempty"` // what that is told in; empty: events
	Owner         string     `json:"owner"`
	State         string     `json:"state"` // active, paused or disabled
	Stopped       *Stopped   `json:"stopped,omitempty"`
	Failing       *Failing   `json:"failing,omitempty"`
	Signed        bool       `json:"signed"`
	PreviousUntil *time.Time `json:"previous_secret_until,omitempty"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
	Secret        string     `json:"secret,omitempty"` // shown once, by what made it
}

// Stopped is why a webhook is not active.
type Stopped struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Failing is since when a receiver has not answered 2xx.
type Failing struct {
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

// WebhookCreate is a webhook to be. What is empty is as the gateway does.
type WebhookCreate struct {
	URL          string   `json:"url"`
	Description  string   `json:"description,omitempty"`
	Events       []string `json:"events,omitempty"`
	Projects     []string `json:"projects,omitempty"`
	Applications []string `json:"applications,omitempty"`
	Secret       string   `json:"secret,omitempty"`
}

// String keeps the secret out of every message.
func (w WebhookCreate) String() string { return "webhook to " + w.URL }

// GoString keeps the secret out of every message.
func (w WebhookCreate) GoString() string { return w.String() }

// Delivery is an event on its way to a webhook, or after it.
type Delivery struct {
	ID         string           `json:"id"`
	Type       string           `json:"type"`
	Deployment string           `json:"deployment,omitempty"`
	State      string           `json:"state"` // waiting, delivered or dead
	CreatedAt  time.Time        `json:"created_at"`
	EndedAt    *time.Time       `json:"ended_at,omitempty"`
	Attempts   int              `json:"attempts"`
	NextAt     *time.Time       `json:"next_attempt_at,omitempty"`
	Last       *DeliveryAttempt `json:"last_attempt,omitempty"`
	Replays    int              `json:"replays"`
	Body       json.RawMessage  `json:"body,omitempty"` // of one that is asked for alone
}

// States of deliveries.
const (
	DeliveryWaiting   = "waiting"
	DeliveryDelivered = "delivered"
)

// lookEvery is the pause between two looks at a delivery.
const lookEvery = 200 * time.Millisecond

// DeliveryAttempt is how a try of a delivery went.
type DeliveryAttempt struct {
	At       time.Time `json:"at"`
	TookMS   int64     `json:"took_ms"`
	Status   int       `json:"status,omitempty"`
	Error    string    `json:"error,omitempty"`
	Response string    `json:"response,omitempty"`
}

func webhookPath(id string) string { return "/v1/webhooks/" + url.PathEscape(id) }

// Webhooks lists the webhooks in this state (empty: any), oldest first.
func (c *Client) Webhooks(ctx context.Context, state string) iter.Seq2[Webhook, error] {
	return all[Webhook](ctx, c, "/v1/webhooks", filters(map[string]string{"state": state}), PageLimit)
}

// Webhook reads the webhook of this id.
func (c *Client) Webhook(ctx context.Context, id string) (Webhook, error) {
	var w Webhook
	err := c.do(ctx, call{method: http.MethodGet, path: webhookPath(id), into: &w})
	return w, err
}

// AddWebhook makes a webhook. Where no secret was given, the answer holds the one that was made.
func (c *Client) AddWebhook(ctx context.Context, w WebhookCreate) (Webhook, error) {
	var made Webhook
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/webhooks", key: newKey(), json: w, into: &made})
	return made, err
}

// RemoveWebhook forgets the webhook of this id, with its deliveries.
func (c *Client) RemoveWebhook(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: webhookPath(id)})
}

// PauseWebhook has events wait that are for the webhook.
func (c *Client) PauseWebhook(ctx context.Context, id, reason string) (Webhook, error) {
	var w Webhook
	body := struct {
		Reason string `json:"reason,omitempty"`
	}{reason}
	err := c.do(ctx, call{method: http.MethodPost, path: webhookPath(id) + "/pause", key: newKey(), json: body, into: &w})
	return w, err
}

// ResumeWebhook has events sent to the webhook again.
func (c *Client) ResumeWebhook(ctx context.Context, id string) (Webhook, error) {
	var w Webhook
	err := c.do(ctx, call{method: http.MethodPost, path: webhookPath(id) + "/resume", key: newKey(), into: &w})
	return w, err
}

// RotateWebhook gives the webhook another secret: this one, or one that is made and answered. overlap is a duration;
// empty: as the gateway does.
func (c *Client) RotateWebhook(ctx context.Context, id, secret, overlap string) (Webhook, error) {
	var w Webhook
	body := struct {
		Secret  string `json:"secret,omitempty"`
		Overlap string `json:"overlap,omitempty"`
	}{secret, overlap}
	err := c.do(ctx, call{method: http.MethodPost, path: webhookPath(id) + "/rotate", key: newKey(), json: body, into: &w})
	return w, err
}

// TestWebhook has an event without meaning sent, once.
func (c *Client) TestWebhook(ctx context.Context, id string) (Delivery, error) {
	var d Delivery
	err := c.do(ctx, call{method: http.MethodPost, path: webhookPath(id) + "/test", key: newKey(), into: &d})
	return d, err
}

// Deliveries lists the deliveries to a webhook in this state (empty: any), newest first.
func (c *Client) Deliveries(ctx context.Context, id, state string) iter.Seq2[Delivery, error] {
	return all[Delivery](ctx, c, webhookPath(id)+"/deliveries", filters(map[string]string{"state": state}), PageLimit)
}

// Delivery reads one delivery, with what is sent.
func (c *Client) Delivery(ctx context.Context, id, delivery string) (Delivery, error) {
	var d Delivery
	err := c.do(ctx, call{method: http.MethodGet, path: deliveryPath(id, delivery), into: &d})
	return d, err
}

// AwaitDelivery returns the delivery once it has ended, or as it stands after so long.
func (c *Client) AwaitDelivery(ctx context.Context, id string, d Delivery, patience time.Duration) (Delivery, error) {
	for end := time.Now().Add(patience); d.State == DeliveryWaiting && time.Now().Before(end); {
		if err := sleep(ctx, lookEvery); err != nil {
			return d, err
		}
		var err error
		if d, err = c.Delivery(ctx, id, d.ID); err != nil {
			return d, err
		}
	}
	return d, nil
}

// Replay has a delivery sent again, with the id that it had.
func (c *Client) Replay(ctx context.Context, id, delivery string) (Delivery, error) {
	var d Delivery
	err := c.do(ctx, call{method: http.MethodPost, path: deliveryPath(id, delivery) + "/replay", key: newKey(), into: &d})
	return d, err
}

func deliveryPath(id, delivery string) string {
	return webhookPath(id) + "/deliveries/" + url.PathEscape(delivery)
}
