package deploy

import (
	"fmt"
	"strings"
	"time"
)

// Trouble is what keeps a deployment from coming on that nobody has decided. It
// is said of it, and changes nothing else.
type Trouble struct {
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason"`
}

// Seen is what a look at a deployment that is under way has found.
type Seen struct {
	Last       time.Time // when a host last told something; zero: none has
	NoExecutor []string  // zones that no executor serves, of those in which there are targets
}

// Look takes in what was seen of a deployment at work: that it has come to a
// standstill, or goes on again.
func (r Rollout) Look(seen Seen, now time.Time) Rollout {
	if !r.Dispatches() || r.Pause != nil {
		return r
	}
	last := r.Began
	if seen.Last.After(last) {
		last = seen.Last
	}
	r.Trouble = nil
	switch progress := r.Policy.Progress; {
	case len(seen.NoExecutor) > 0:
		r.Trouble = &Trouble{CauseNoExecutor, "no executor serves the zone " + strings.Join(seen.NoExecutor, ", ")}
	case progress > 0 && now.Sub(last) >= progress && r.Let > r.inWave().Total() && !r.Missed:
		r.Trouble = &Trouble{CauseNoProgress, fmt.Sprintf("no host has told anything since %s; %d of the wave have not ended",
			last.Format(time.RFC3339), r.Let-r.inWave().Total())}
	}
	return r
}
