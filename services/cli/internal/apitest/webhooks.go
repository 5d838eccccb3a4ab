package apitest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// webhook is a webhook, and what was sent to it, newest first.
type webhook struct {
	client.Webhook
	deliveries []client.Delivery
}

// FailWebhooks has every delivery from now on be dead.
func (g *Gateway) FailWebhooks() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deadEnd = true
}

const madeSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func (g *Gateway) addWebhook(w http.ResponseWriter, body []byte) {
	var c client.WebhookCreate
	decode(body, &c)
	now := time.Now().UTC()
	made := client.Webhook{
		ID: g.next(), URL: c.URL, Description: c.Description, Events: c.Events, Projects: c.Projects, Applications: c.Applications,
		Owner: "ci", State: "active", Signed: true, CreatedAt: now, UpdatedAt: now,
	}
	if made.Events == nil {
		made.Events = []string{"deployment.*"}
	}
	g.webhooks = append(g.webhooks, &webhook{Webhook: made})
	if c.Secret == "" {
		made.Secret = madeSecret
	}
	w.Header().Set("Location", "/v1/webhooks/"+made.ID)
	w.Header().Set("Etag", `"1"`)
	reply(w, http.StatusCreated, made)
}

func (g *Gateway) listWebhooks(w http.ResponseWriter, r *http.Request) {
	var found []client.Webhook
	for _, h := range g.webhooks {
		if state := r.URL.Query().Get("state"); state == "" || state == h.State {
			found = append(found, h.Webhook)
		}
	}
	reply(w, http.StatusOK, pageOf(r, found))
}

func (g *Gateway) oneWebhook(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	at := slices.IndexFunc(g.webhooks, func(h *webhook) bool { return h.ID == id })
	if at < 0 {
		problem(w, r, http.StatusNotFound, "not_found", "there is no such webhook")
		return
	}
	h := g.webhooks[at]
	shown := h.Webhook
	switch _, verb, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/webhooks/"), "/"); {
	case r.Method == http.MethodDelete:
		g.webhooks = slices.Delete(g.webhooks, at, at+1)
		w.WriteHeader(http.StatusNoContent)
		return
	case verb == "deliveries":
		g.listDeliveries(w, r, h)
		return
	case verb == "test":
		reply(w, http.StatusAccepted, g.sent(h, "webhook.test"))
		return
	case verb == "pause":
		var why struct{ Reason string }
		decode(body, &why)
		h.State, h.Stopped = "paused", &client.Stopped{At: time.Now().UTC(), By: "ci", Reason: why.Reason}
		shown = h.Webhook
	case verb == "resume":
		h.State, h.Stopped = "active", nil
		shown = h.Webhook
	case verb == "rotate":
		until := time.Now().UTC().Add(24 * time.Hour)
		h.PreviousUntil = &until
		shown = h.Webhook
		shown.Secret = madeSecret
	}
	w.Header().Set("Etag", `"1"`)
	reply(w, http.StatusOK, shown)
}

// sent is a delivery as it is answered when it is made: it has ended when it is looked at again.
func (g *Gateway) sent(h *webhook, typ string) client.Delivery {
	now := time.Now().UTC()
	d := client.Delivery{ID: "test-" + g.next(), Type: typ, State: client.DeliveryWaiting, CreatedAt: now}
	ended := d
	ended.State, ended.Attempts, ended.EndedAt = client.DeliveryDelivered, 1, &now
	ended.Last = &client.DeliveryAttempt{At: now, TookMS: 12, Status: http.StatusOK, Response: "thanks"}
	if g.deadEnd {
		ended.State, ended.Last.Status, ended.Last.Error = "dead", http.StatusTeapot, "it answered 418"
	}
	ended.Body, _ = json.Marshal(map[string]any{
		"specversion": "1.0", "id": d.ID, "source": "urn:slipway:x", "type": "com.slipway." + typ, "time": now,
		"datacontenttype": "application/json", "dataschema": "urn:slipway:event:webhook:1", "data": map[string]string{"webhook": h.ID},
	})
	h.deliveries = slices.Insert(h.deliveries, 0, ended)
	return d
}

func (g *Gateway) listDeliveries(w http.ResponseWriter, r *http.Request, h *webhook) {
	var found []client.Delivery
	for _, d := range h.deliveries {
		d.Body = nil
		if state := r.URL.Query().Get("state"); state == "" || state == d.State {
			found = append(found, d)
		}
	}
	reply(w, http.StatusOK, pageOf(r, found))
}

func (g *Gateway) oneDelivery(w http.ResponseWriter, r *http.Request, id, delivery string) {
	for _, h := range g.webhooks {
		for _, d := range h.deliveries {
			switch {
			case h.ID != id || d.ID != delivery:
			case r.Method == http.MethodPost:
				d.State, d.Body, d.Replays, d.EndedAt, d.Attempts = client.DeliveryWaiting, nil, d.Replays+1, nil, 0
				reply(w, http.StatusAccepted, d)
				return
			default:
				reply(w, http.StatusOK, d)
				return
			}
		}
	}
	problem(w, r, http.StatusNotFound, "not_found", "there is no such delivery")
}
