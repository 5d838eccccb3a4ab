package contract

import "time"

// Types of queries that history answers about more than one deployment.
const (
	TypeListRunning   Type = "slipway.v1.query.running.list"
	TypeRunning       Type = "slipway.v1.query.running"
	TypeGetStatistics Type = "slipway.v1.query.statistics.get"
	TypeStatistics    Type = "slipway.v1.query.statistics"
	TypeGetHistory    Type = "slipway.v1.query.history.get"
	TypeHistory       Type = "slipway.v1.query.history"
)

// ListRunning asks history what runs where, now or at a time.
type ListRunning struct {
	MinSeq      uint64        `json:"min_seq,omitempty"` // sequence of EV that the answer must have seen
	Limit       int           `json:"limit"`             // 1 to 500
	After       *RunningPlace `json:"after,omitempty"`   // Next of the page before
	Application string        `json:"application,omitempty"`
	Server      string        `json:"server,omitempty"` // id
	At          *time.Time    `json:"at,omitempty"`     // without it: now
}

// RunningPlace is where a row of Running stands among all.
type RunningPlace struct {
	Application string `json:"application"`
	Part        int    `json:"part"` // of its hosts
	Host        string `json:"host"`
	Path        string `json:"path"`
}

// Running is the answer to ListRunning. A page may be short, or empty, and still have
// a next one.
type Running struct {
	Items []Placement   `json:"items"`
	Next  *RunningPlace `json:"next,omitempty"` // After of the next page; absent: no more
}

// Placement is what runs, or ran, of an application at one place on a host.
type Placement struct {
	Application string     `json:"application"`
	Host        string     `json:"host"`
	Name        string     `json:"name"`
	Path        string     `json:"path"`
	Version     string     `json:"version"`
	Deployment  string     `json:"deployment,omitempty"` // that put it there; absent: it was found there
	Since       time.Time  `json:"since"`
	Until       *time.Time `json:"until,omitempty"` // when another took its place
}

// GetStatistics asks history what deployments came to that ended on these days.
type GetStatistics struct {
	MinSeq      uint64 `json:"min_seq,omitempty"` // sequence of EV that the answer must have seen
	From        string `json:"from"`              // first day of UTC, such as 2026-03-01
	To          string `json:"to"`                // last day
	Application string `json:"application,omitempty"`
}

// Statistics is the answer to GetStatistics.
type Statistics struct {
	Total        Summary       `json:"total"`                  // of the application that was asked about, or of all
	Applications []Summary     `json:"applications,omitempty"` // of each, where all were asked about
	Days         []DayOutcomes `json:"days"`                   // those on which a deployment ended
}

// Summary is what deployments came to.
type Summary struct {
	Application  string     `json:"application,omitempty"`
	Deploys      Outcomes   `json:"deploys"`
	Rollbacks    Outcomes   `json:"rollbacks"`
	Hosts        Outcomes   `json:"hosts"`                   // Rejected: those that were skipped
	Duration     Durations  `json:"duration"`                // from the first host's beginning to the end
	LeadTime     Durations  `json:"lead_time"`               // of deploys that succeeded: from the request to the end
	Restore      Durations  `json:"restore"`                 // from a failure to the application's next success
	FailingSince *time.Time `json:"failing_since,omitempty"` // of an application: no success has followed
}

// DayOutcomes is how deployments ended on a day.
type DayOutcomes struct {
	Day       string   `json:"day"`
	Deploys   Outcomes `json:"deploys"`
	Rollbacks Outcomes `json:"rollbacks"`
}

// Outcomes is how many ended how.
type Outcomes struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Rejected  int `json:"rejected"`
}

// Durations is how long something took, in milliseconds, at most 9 % off.
type Durations struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50"`
	P90   int64 `json:"p90"`
	P99   int64 `json:"p99"`
	Mean  int64 `json:"mean,omitempty"`
}

// GetHistory asks how far the documents of history are.
type GetHistory struct {
	Limit int `json:"limit"` // of what is told that was set aside, 0 to 100
}

// History is the answer to GetHistory.
type History struct {
	Seq     uint64     `json:"seq"`               // last event that the documents hold
	Last    uint64     `json:"last"`              // last event that there is
	Waiting *time.Time `json:"waiting,omitempty"` // when the first that they do not hold was stored
	Holder  string     `json:"holder,omitempty"`  // replica that folds
	Aside   int64      `json:"aside"`             // events that could not be folded
	Newest  []Aside    `json:"newest_of_aside"`   // of them
}

// Aside is an event that could not be folded.
type Aside struct {
	Seq     uint64     `json:"seq"`
	Subject string     `json:"subject"`
	Reason  string     `json:"reason"`
	At      *time.Time `json:"at,omitempty"` // when it was stored
}

// MessageType implements Body.
func (ListRunning) MessageType() Type { return TypeListRunning }

// MessageType implements Body.
func (Running) MessageType() Type { return TypeRunning }

// MessageType implements Body.
func (GetStatistics) MessageType() Type { return TypeGetStatistics }

// MessageType implements Body.
func (Statistics) MessageType() Type { return TypeStatistics }

// MessageType implements Body.
func (GetHistory) MessageType() Type { return TypeGetHistory }

// MessageType implements Body.
func (History) MessageType() Type { return TypeHistory }
