package deploy

import (
	"slices"
	"time"
)

// Slot is whether a deployment needs a place among those that may be under way
// at once.
type Slot string

// What there is to say of a place.
const (
	SlotNeedless Slot = ""       // it may begin however many others there are
	SlotWanted   Slot = "wanted" // it waits for one before its first wave
	SlotHeld     Slot = "held"
)

// Granted gives the deployment the place that it waits for. One that something
// else holds by now, a window that has closed, say, takes none: it waits for that.
func (r Rollout) Granted(now time.Time) Rollout {
	if r.Slot != SlotWanted || r.Over() {
		return r
	}
	held := r
	held.Slot = SlotHeld
	switch {
	case r.Phase != Held:
		return held
	case held.gate(now) != nil:
		return r.proceed(now)
	}
	return held.proceed(now)
}

// Limits is how many deployments may be under way at once. 0 is without a limit.
type Limits struct {
	All     int // over all projects
	Project int // of one
}

// None says whether nothing is limited.
func (l Limits) None() bool { return l == Limits{} }

// Slots is who is under way, where that is limited.
type Slots struct {
	Holders []Holder `json:"holders,omitempty"` // in the order in which they got their place
}

// Holder is a deployment that has a place.
type Holder struct {
	Deployment string    `json:"deployment"`
	Project    string    `json:"project,omitempty"`
	Since      time.Time `json:"since"`
}

// Room says whether one more deployment of the project may have a place.
func (s Slots) Room(l Limits, project string) bool {
	inProject := 0
	for _, h := range s.Holders {
		if h.Project == project {
			inProject++
		}
	}
	return (l.All == 0 || len(s.Holders) < l.All) && (l.Project == 0 || inProject < l.Project)
}

// Has says whether the deployment has a place.
func (s Slots) Has(deployment string) bool {
	return slices.ContainsFunc(s.Holders, func(h Holder) bool { return h.Deployment == deployment })
}

// Enter gives the deployment a place, and says whether it has one. Who has one
// keeps it.
func (s Slots) Enter(l Limits, h Holder) (next Slots, in bool) {
	switch {
	case s.Has(h.Deployment):
		return s, true
	case !s.Room(l, h.Project):
		return s, false
	}
	s.Holders = append(slices.Clone(s.Holders), h)
	return s, true
}

// Leave takes the deployment's place back.
func (s Slots) Leave(deployment string) Slots {
	s.Holders = slices.DeleteFunc(slices.Clone(s.Holders), func(h Holder) bool { return h.Deployment == deployment })
	return s
}
