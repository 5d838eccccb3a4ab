package contract

import "time"

// Policy says how a deployment goes through its hosts and when it stops.
type Policy struct {
	Strategy Strategy   `json:"strategy"`
	Failures Failures   `json:"failures"`
	Approval *Approval  `json:"approval,omitempty"`    // nil: nobody is asked
	StartAt  *time.Time `json:"start_at,omitempty"`    // nil: now
	Calendar *Calendar  `json:"calendar,omitempty"`    // nil: hosts may begin at any time
	Deadline int64      `json:"deadline_ms,omitempty"` // for all hosts, from the first wave on; 0: none
	Progress int64      `json:"progress_ms,omitempty"` // after which it is said that no host tells anything; 0: never
	Limits   *JobLimits `json:"limits,omitempty"`      // nil: those of the executor alone
}

// Calendar is when hosts may begin. What has begun when a window closes goes on.
type Calendar struct {
	Zone    string   `json:"zone"` // of the IANA database
	Windows []Window `json:"windows"`
	Except  []string `json:"except,omitempty"` // days on which no window opens: 2026-12-24
}

// Window is a time of day on some days. One that ends at or before the minute at
// which it begins ends on the day after.
type Window struct {
	Days []string `json:"days"` // mon, tue, wed, thu, fri, sat, sun
	From string   `json:"from"` // 22:00
	To   string   `json:"to"`
}

// JobLimits bound the work on one host, within what the executor allows.
type JobLimits struct {
	Host int64 `json:"host_ms,omitempty"` // for all steps; 0: what the executor allows
	Step int64 `json:"step_ms,omitempty"` // for one step; the same
}

// Strategy says in which waves, and how fast. Amounts are "12" or "25%".
type Strategy struct {
	Type        string `json:"type"`                   // all, serial, rolling, canary or blueGreen
	First       string `json:"first,omitempty"`        // canary: amount of the first wave
	Batch       string `json:"batch,omitempty"`        // rolling, canary: amount of each other wave; empty: for a canary all that is left
	Pause       int64  `json:"pause_ms,omitempty"`     // between waves
	MaxParallel int    `json:"max_parallel,omitempty"` // hosts at work at once; 0: the default
	MinHealthy  string `json:"min_healthy,omitempty"`  // amount that must neither be at work nor have failed
	Hold        int64  `json:"hold_ms,omitempty"`      // canary, blueGreen: how long a person's verdict is waited for; 0: not at all
	// Analysis judges a canary, or a new set, before a person does. Nil: there is none.
	Analysis  *Analysis  `json:"analysis,omitempty"`
	Sets      []Set      `json:"sets,omitempty"`       // blueGreen: the waves
	Keep      int64      `json:"keep_ms,omitempty"`    // blueGreen: how long the old set stays ready once traffic has left it; 0: not at all
	BlueGreen *BlueGreen `json:"blue_green,omitempty"` // blueGreen: what happens on balancers and on the old set
}

// Failures says how many hosts may fail. An empty amount allows all of them.
type Failures struct {
	Batch           string `json:"batch,omitempty"` // of one wave
	Total           string `json:"total,omitempty"` // of all hosts
	Then            string `json:"then,omitempty"`  // stop, pause or rollback; empty: stop
	SkipUnreachable bool   `json:"skip_unreachable,omitempty"`
}

// Approval asks for the word of a person before anything begins.
type Approval struct {
	Digest       string    `json:"digest"` // of the plan that is to be approved
	NotRequester bool      `json:"not_requester,omitempty"`
	Expires      time.Time `json:"expires"`
}
