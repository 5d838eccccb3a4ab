package auditlog

import (
	"net/netip"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/services/gateway/internal/throttle"
)

// Calls that were refused before anything was to be changed cost nothing to make, so there may be any number of them. In
// each window so many of one caller are stored as they are; the rest are counted, and stored as one entry at its end.
// Addresses beyond those that are told apart are counted together.
const (
	floodWindow  = 5 * time.Minute
	ofAddress    = 10   // entries of one address, of calls that nobody known has made
	ofActor      = 1000 // entries of one actor
	ofNobody     = 300  // entries of all addresses together
	maxToldApart = 200  // addresses
	variousWords = "various"
)

// caller is whose calls are counted together, by what they were answered.
type caller struct{ actor, network, code string }

type tally struct {
	stored int
	rest   audit.Entry // what the entries that were not stored have in common
}

type flood struct {
	mu     sync.Mutex
	began  time.Time
	nobody int // entries stored in this window of calls that nobody known has made
	by     map[caller]*tally

	networks int // in by
}

func newFlood(now time.Time) *flood { return &flood{began: now, by: map[caller]*tally{}} }

// admit says whether this entry is stored; else it is counted.
func (f *flood) admit(e audit.Entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.of(&e)
	allowed := ofAddress
	if e.Actor != nil {
		allowed = ofActor
	}
	if t.stored < allowed && (e.Actor != nil || f.nobody < ofNobody) {
		t.stored++
		if e.Actor == nil {
			f.nobody++
		}
		return true
	}
	t.count(e)
	return false
}

// of returns the tally of whoever made this call. Where there are too many addresses, the entry loses its own.
func (f *flood) of(e *audit.Entry) *tally {
	who := caller{network: network(e.Remote), code: e.Code}
	if e.Actor != nil {
		who = caller{actor: e.Actor.ID, code: e.Code}
	}
	if t, ok := f.by[who]; ok {
		return t
	}
	if e.Actor == nil && f.networks >= maxToldApart {
		who = caller{code: e.Code}
		e.Remote = ""
	}
	t, ok := f.by[who]
	if !ok {
		t = &tally{}
		f.by[who] = t
		if who.network != "" {
			f.networks++
		}
	}
	return t
}

func (t *tally) count(e audit.Entry) {
	if t.rest.Count == 0 {
		since := e.Time
		t.rest = audit.Entry{Action: e.Action, Actor: e.Actor, Code: e.Code, Outcome: e.Outcome, Remote: e.Remote, Status: e.Status, Since: &since}
	}
	if t.rest.Action != e.Action {
		t.rest.Action = variousWords
	}
	if t.rest.Remote != e.Remote {
		t.rest.Remote = variousWords
	}
	t.rest.Count++
	t.rest.Time = e.Time
}

// due returns what was counted in a window that has ended, and begins the next; the zero time ends it.
func (f *flood) due(now time.Time) []audit.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.IsZero() && now.Sub(f.began) < floodWindow {
		return nil
	}
	var all []audit.Entry
	for _, t := range f.by {
		if t.rest.Count > 0 {
			all = append(all, t.rest)
		}
	}
	f.began, f.nobody, f.networks, f.by = now, 0, 0, map[caller]*tally{}
	return all
}

// network is what one caller may have many addresses of.
func network(remote string) string {
	addr, _ := netip.ParseAddr(remote)
	return throttle.Network(addr)
}
