// Package events is what Slipway tells of deployments: the names and the data of events, as live readers
// (package live) and webhooks (package courier) get them. It is made of the messages in EV, and is apart from them: what
// is told is promised to users, what services say to each other is not.
package events

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// The types of events that are not named after a state.
const (
	Accepted    = ofDeployment + "accepted"
	Plan        = ofDeployment + "planned"      // a piece of it
	Started     = ofDeployment + "started"      // the servers of the first wave may begin
	WaveStarted = ofDeployment + "wave_started" // those of another one may
)

// What a type begins with, by what the event is about. A state follows, or what happened.
const (
	ofDeployment = "deployment."
	ofHost       = "host."
)

// Event is one of a deployment. In JSON it is the schema StreamEvent of openapi.yaml.
type Event struct {
	Seq        uint64    `json:"seq"` // in EV
	Type       string    `json:"type"`
	Time       time.Time `json:"time"`
	Deployment string    `json:"deployment"`
	Project    string    `json:"project,omitempty"`
	Server     string    `json:"server,omitempty"` // id; "": of the deployment as a whole
	Wave       *int      `json:"wave,omitempty"`   // from 0; nil: of none
	Attempt    int       `json:"attempt,omitempty"`
	Data       any       `json:"data,omitempty"` // one of the types of data.go, by Type
}

// Of returns what is told of a message in EV, and false where nothing is.
func Of(seq uint64, m contract.Message) (Event, bool) {
	e := Event{
		Seq: seq, Time: m.Time, Deployment: m.Deployment, Project: m.Project, Server: m.Host, Attempt: m.Attempt,
	}
	e.Type, e.Data = dataOf(m)
	if _, wave := m.Body.(contract.WaveEvent); wave || m.Host != "" {
		e.Wave = &m.Wave
	}
	return e, e.Type != "" && e.Deployment != ""
}

// Last says whether nothing follows the event in its deployment.
func (e Event) Last() bool {
	s, ok := e.Data.(Standing)
	return ok && deploy.State(s.State).Terminal()
}

// OfDeployment returns the type of the event that a deployment has come to this state.
func OfDeployment(s deploy.State) string { return ofDeployment + string(s) }

// OfHost returns the type of the event that a server has ended in this state.
func OfHost(s deploy.State) string { return ofHost + string(s) }
