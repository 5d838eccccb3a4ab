package display

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Webhooks is a table of webhooks.
func Webhooks(hooks []client.Webhook, now time.Time, color bool) []string {
	rows := make([][]string, 0, len(hooks))
	for _, w := range hooks {
		rows = append(rows, []string{w.ID, receiving(w, now), strings.Join(w.Events, ", "), w.URL})
	}
	return table([]string{"ID", "STATE", "EVENTS", "URL"}, rows, color)
}

// Webhook is what is known of one webhook.
func Webhook(w client.Webhook, now time.Time) []string {
	known := []field{
		{"ID", w.ID},
		{"URL", w.URL},
		{"For", w.Description},
		{"State", receiving(w, now)},
		{"Events", strings.Join(w.Events, ", ")},
		{"Projects", strings.Join(w.Projects, ", ")},
		{"Applications", strings.Join(w.Applications, ", ")},
		{"Callback of", w.Deployment},
		{"Owner", w.Owner},
		{"Added", stamp(w.CreatedAt)},
		{"Changed", stamp(w.UpdatedAt)},
	}
	if s := w.Stopped; s != nil {
		known = append(known, field{"Stopped by", s.By + ", " + stamp(s.At)}, field{"Reason", s.Reason})
	}
	if f := w.Failing; f != nil {
		known = append(known, field{"Failing since", stamp(f.Since) + ": " + f.Error})
	}
	if w.PreviousUntil != nil {
		known = append(known, field{"Old secret", "counts until " + stamp(*w.PreviousUntil)})
	}
	if w.Secret != "" {
		known = append(known, field{"Secret", w.Secret + " (shown this once)"})
	}
	return fields(known)
}

// receiving is the state of a webhook, and for how long its receiver has failed.
func receiving(w client.Webhook, now time.Time) string {
	if w.State == "active" && w.Failing != nil {
		return "failing for " + took(&w.Failing.Since, nil, now)
	}
	return w.State
}

// Deliveries is a table of deliveries to a webhook.
func Deliveries(deliveries []client.Delivery, color bool) []string {
	rows := make([][]string, 0, len(deliveries))
	for _, d := range deliveries {
		rows = append(rows, []string{d.ID, d.Type, d.State, fmt.Sprint(d.Attempts), stamp(d.CreatedAt), went(d)})
	}
	return table([]string{"ID", "EVENT", "STATE", "TRIES", "SINCE", "LAST TRY"}, rows, color)
}

// Delivery is what is known of one delivery.
func Delivery(d client.Delivery) []string {
	known := []field{{"ID", d.ID}, {"Event", d.Type}, {"Deployment", d.Deployment}, {"State", d.State}, {"Tries", fmt.Sprint(d.Attempts)}, {"Last try", went(d)}}
	if d.NextAt != nil {
		known = append(known, field{"Next try", stamp(*d.NextAt)})
	}
	if d.Last != nil {
		known = append(known, field{"Answer", d.Last.Response})
	}
	return fields(append(known, field{"Sent", string(d.Body)}))
}

// went is how the last try of a delivery went.
func went(d client.Delivery) string {
	switch {
	case d.Last == nil:
		return ""
	case d.Last.Error != "":
		return d.Last.Error
	}
	return fmt.Sprintf("%d in %d ms", d.Last.Status, d.Last.TookMS)
}
