package webhooks

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/events"
)

// Event is something that webhooks can be told of.
type Event struct {
	ID          string // unique in this installation, the same whenever it is told
	Seq         uint64 // in the stream EV; 0: it is about a webhook
	Type        string // without typePrefix
	Time        time.Time
	Deployment  string // "": it is about a webhook
	Host        string // "": it is about no single host
	Project     string
	Application string
	Data        any
	Last        bool // nothing follows in its deployment

	Traceparent string // of what it is a part of (W3C Trace Context); "": nothing is known of that
}

// The types of events that are not about deployments.
const (
	TypePaused   = "webhook.paused"   // Slipway paused a webhook
	TypeDisabled = "webhook.disabled" // the receiver of a webhook is gone
	TypeTest     = "webhook.test"     // a person wants to see one arrive
)

// typePrefix is what the types of CloudEvents begin with.
const typePrefix = "com.slipway."

// schemas is the version of the data of each kind of event. Within one, fields are only added.
var schemas = map[string]string{"deployment": "urn:slipway:event:deployment:1", "host": "urn:slipway:event:host:1", "webhook": "urn:slipway:event:webhook:1"}

// DefaultEvents is what a webhook is told of that does not say.
var DefaultEvents = []string{"deployment.*"}

// Types returns the types of all events that can be subscribed to.
func Types() []string {
	types := []string{events.Accepted, events.Started, events.WaveStarted}
	for _, s := range []deploy.State{
		deploy.AwaitingApproval, deploy.Scheduled, deploy.Waiting, deploy.Running, deploy.Paused, deploy.Holding, deploy.Analyzing,
		deploy.Halting, deploy.Reverting, deploy.Succeeded, deploy.Failed, deploy.Cancelled, deploy.Rejected,
	} {
		types = append(types, events.OfDeployment(s))
	}
	for _, s := range []deploy.State{deploy.Succeeded, deploy.Failed, deploy.Skipped, deploy.Cancelled} {
		types = append(types, events.OfHost(s))
	}
	return append(types, TypePaused, TypeDisabled)
}

// Patterns returns what a filter may say beside the types: all of a kind, and all.
func Patterns() []string { return []string{"*", "deployment.*", "host.*", "webhook.*"} }

// wantedBy says whether one of the patterns is about the event.
func (e Event) wantedBy(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return p == e.Type || p == e.kind()+".*" || p == "*" })
}

// kind is what the event is about: deployment, host or webhook.
func (e Event) kind() string {
	kind, _, _ := strings.Cut(e.Type, ".")
	return kind
}

// cloudEvent is an event as it is sent: CloudEvents 1.0 in structured mode.
type cloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject,omitempty"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Schema      string    `json:"dataschema"`
	Sequence    string    `json:"sequence,omitempty"` // extension of that name; sorts as text
	Data        any       `json:"data"`
}

// Body is the event as it is sent.
func (e Event) Body(installation string) (json.RawMessage, error) {
	c := cloudEvent{
		SpecVersion: "1.0", ID: e.ID, Source: "urn:slipway:" + installation, Type: typePrefix + e.Type, Subject: e.Deployment,
		Time: e.Time.UTC(), ContentType: "application/json", Schema: schemas[e.kind()], Data: e.Data,
	}
	if e.Host != "" {
		c.Subject += "/" + e.Host
	}
	if e.Seq > 0 {
		c.Sequence = sequence(e.Seq)
	}
	return json.Marshal(c)
}

// sequence writes numbers so that they sort as texts.
func sequence(n uint64) string {
	text := strconv.FormatUint(n, 10)
	return strings.Repeat("0", 20-len(text)) + text
}
