package contract

import "time"

// Policy says how a deployment goes through its hosts and when it stops.
type Policy struct {
	Strategy Strategy   `json:"strategy"`
	Failures Failures   `json:"failures"`
	Approval *Approval  `json:"approval,omitempty"`    // nil: nobody is asked
	StartAt  *time.Time `json:"start_at,omitempty"`    // nil: now
	Deadline int64      `json:"deadline_ms,omitempty"` // for all hosts, from the first wave on; 0: none
}

// Strategy says in which waves, and how fast. Amounts are "12" or "25%".
type Strategy struct {
	Type        string `json:"type"`                   // all, serial, rolling or canary
	First       string `json:"first,omitempty"`        // canary: amount of the first wave
	Batch       string `json:"batch,omitempty"`        // rolling, canary: amount of each other wave; empty: for a canary all that is left
	Pause       int64  `json:"pause_ms,omitempty"`     // between waves
	MaxParallel int    `json:"max_parallel,omitempty"` // hosts at work at once; 0: the default
	MinHealthy  string `json:"min_healthy,omitempty"`  // amount that must neither be at work nor have failed
	Hold        int64  `json:"hold_ms,omitempty"`      // canary: how long a person's verdict is waited for; 0: not at all
}

// Failures says how many hosts may fail. An empty amount allows all of them.
type Failures struct {
	Batch           string `json:"batch,omitempty"` // of one wave
	Total           string `json:"total,omitempty"` // of all hosts
	Then            string `json:"then,omitempty"`  // stop or pause; empty: stop
	SkipUnreachable bool   `json:"skip_unreachable,omitempty"`
}

// Approval asks for the word of a person before anything begins.
type Approval struct {
	Digest       string    `json:"digest"` // of the plan that is to be approved
	NotRequester bool      `json:"not_requester,omitempty"`
	Expires      time.Time `json:"expires"`
}
