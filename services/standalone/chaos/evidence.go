package chaos

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Evidence is what is known of a run once everything has come to rest.
type Evidence struct {
	Requests  []Request
	Events    []Event             // the whole stream EV, in order
	Documents map[string]Document // the collection deployments, by id
	Hosts     []Host
	Held      []string // what LOCKS still holds: hosts that somebody has or waits for, and places
	Jobs      int      // that are still stored
}

// Request is a deployment, rollback or retry that a client asked for, over and over with one key until it was answered.
type Request struct {
	Key, Kind string
	IDs       []string // of deployments that were answered with 202, each once
	Refused   string   // the answer, where it was refused for good
	Begins    int      // hosts that may begin at most; -1: all of them
}

// Event is what the judge reads of a message of EV.
type Event struct {
	Seq        uint64
	Type       string // without slipway.v1.ev.
	Deployment string
	Host       string // server id; empty in events about a deployment as a whole
	Token      uint64

	State   string // ended, concluded
	Release string // ended: what the host runs
	Failure string // ended: its code
	Targets int    // accepted
	// RolledBackBy is the deployment that took back what this one had switched, by
	// itself: concluded.
	RolledBackBy string
}

// The events that the judge knows.
const (
	accepted  = "deployment.accepted"
	concluded = "deployment.concluded"
	started   = "job.started"
	ended     = "job.ended"
	output    = "job.output"
)

// ReadEvent reads a message as it is stored.
func ReadEvent(seq uint64, message []byte) (Event, error) {
	var raw struct {
		Type, Deployment, Host string
		Token                  uint64
		Data                   json.RawMessage
	}
	var data struct {
		State, Release string
		Targets        int
		Failure        struct{ Code string }
		RolledBackBy   string `json:"rolled_back_by"`
	}
	err := json.Unmarshal(message, &raw)
	kind, ok := strings.CutPrefix(raw.Type, "slipway.v1.ev.")
	if err == nil && (kind == accepted || kind == ended || kind == concluded) {
		err = json.Unmarshal(raw.Data, &data)
	}
	if err != nil || !ok || raw.Deployment == "" {
		return Event{}, fmt.Errorf("message %d of EV: %w: %.200s: %w", seq, errEvent, message, err)
	}
	return Event{
		Seq: seq, Type: kind, Deployment: raw.Deployment, Host: raw.Host, Token: raw.Token,
		State: data.State, Release: data.Release, Failure: data.Failure.Code, Targets: data.Targets, RolledBackBy: data.RolledBackBy,
	}, nil
}

// Document is what the judge reads of a deployment's document.
type Document struct {
	State   string   `bson:"state"`
	Targets int      `bson:"targets"`
	Counts  []Counts `bson:"counts"`
}

// Counts are targets by their state.
type Counts struct {
	Pending   int `bson:"pending"`
	Running   int `bson:"running"`
	Succeeded int `bson:"succeeded"`
	Failed    int `bson:"failed"`
	Skipped   int `bson:"skipped"`
	Cancelled int `bson:"cancelled"`
}

// Host is what was found on a host, and seen of it.
type Host struct {
	Name, ID string
	Frail    bool     // it broke down at times, so that deployments may fail there
	Journal  []Entry  // what was done on it
	Ran      []string // versions that `current` was seen to lead to, in order
	Current  string   // the version that it leads to now; empty: none
	Breaches []string // what was wrong with the link, as its watcher saw it
}
