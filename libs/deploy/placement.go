package deploy

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"
)

// Parts is into how many documents the hosts of an application are dealt out that
// say what runs there: enough for each to stay small, few enough for a deployment
// not to write many. It cannot change without rebuilding them.
const Parts = 16

// PartOf returns the part of a host.
func PartOf(host string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(host)) // it never fails
	return int(h.Sum32() % Parts)
}

// Placement is what runs of an application at one place on a host.
type Placement struct {
	Host       string // server id
	Name       string
	Path       string
	Version    string
	Deployment string    // that put it there; "": none of Slipway's, it was found there
	Since      time.Time // when it was put, or found, there
	Until      time.Time // when another took its place; zero: it runs
}

// Arrival is an end of a job that says what runs on its host now.
type Arrival struct {
	Mark
	Application string
	Changed     bool // its deployment has put it there
	Placement
}

// ArrivalOf returns what this event says runs where, and false where it says
// nothing of that. The target is the one that it is about.
func ArrivalOf(h Header, t Target, r Record, installation string) (Arrival, bool) {
	e, ok := r.Event.(JobEnded)
	if !ok || e.Release == "" || !e.State.Terminal() || h.Application == "" {
		return Arrival{}, false
	}
	return Arrival{
		Mark: Mark{r.Seq, installation}, Application: h.Application, Changed: e.Changed,
		Placement: Placement{Host: e.On.Host, Name: t.Name, Path: h.Path, Version: e.Release, Deployment: h.ID, Since: r.Time.Truncate(precision)},
	}, true
}

// Placements is the document of what runs now of an application on the hosts of a
// part, by host and path.
type Placements struct {
	Application string
	Part        int
	Mark
	Day  string // of the last departure
	Gone int    // departures of that day
	All  []Placement
}

// Clone returns a copy that Fold may change.
func (p Placements) Clone() Placements {
	p.All = slices.Clone(p.All)
	return p
}

// Fold notes what runs on a host now, in place, unless a later event was folded.
// It returns what ran there before, where something else does now.
func (p *Placements) Fold(a Arrival) (replaced *Departure) {
	if !p.passes(a.Mark) {
		return nil
	}
	next := a.Placement
	at, there := slices.BinarySearchFunc(p.All, next, byPlace)
	if !there {
		if !a.Changed {
			next.Deployment = ""
		}
		p.All = slices.Insert(p.All, at, next)
		return nil
	}
	had := p.All[at]
	if !a.Changed {
		if had.Version == next.Version { // it ran before, and runs on
			p.All[at].Name = next.Name
			return nil
		}
		next.Deployment = "" // somebody else put it there
	}
	p.All[at] = next
	had.Until = next.Since
	return p.depart(had)
}

// Departure is a placement that something else has replaced, and the document that
// has it.
type Departure struct {
	Day    string
	Number int
	Placement
}

// DeparturesSize is how many departures a document has, so that what it costs to add
// one does not grow over the day.
const DeparturesSize = 50

// depart numbers what has stopped running. Where the clocks of two hosts disagree
// about which day it is, it stays the later one: documents are in order.
func (p *Placements) depart(was Placement) *Departure {
	if day := DayOf(was.Until); day > p.Day {
		p.Day, p.Gone = day, 0
	}
	d := &Departure{p.Day, p.Gone / DeparturesSize, was}
	p.Gone++
	return d
}

func byPlace(a, b Placement) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path))
}

// Departures is a document of what stopped running on a day, of an application on
// the hosts of a part, in the order in which it did: up to DeparturesSize, and the rest
// in those of the next numbers.
type Departures struct {
	Application string
	Part        int
	Day         string
	Number      int
	Mark
	All []Placement
}

// Clone returns a copy that Fold may change.
func (d Departures) Clone() Departures {
	d.All = slices.Clone(d.All)
	return d
}

// Fold notes what the event of this mark has replaced, in place, unless that was
// folded.
func (d *Departures) Fold(at Mark, replaced Placement) {
	if d.passes(at) {
		d.All = append(d.All, replaced)
	}
}

// Then finds out what ran at a time, where something runs now: from what runs now,
// and from what stopped running since, day by day.
type Then struct {
	Now []Placement
	At  time.Time

	ran  map[place]Placement
	left map[place]bool // whose answer is not known yet; nil before the first look
}

type place struct{ host, path string }

// Known says whether every place has its answer.
func (t *Then) Known() bool {
	if t.left == nil {
		t.ran, t.left = map[place]Placement{}, map[place]bool{}
		for _, p := range t.Now {
			if p.Since.After(t.At) {
				t.left[place{p.Host, p.Path}] = true
			} else {
				t.ran[place{p.Host, p.Path}] = p
			}
		}
	}
	return len(t.left) == 0
}

// Add takes in what stopped running next: document by document, day by day.
func (t *Then) Add(d Departures) {
	t.Known()
	for _, p := range d.All {
		at := place{p.Host, p.Path}
		if !t.left[at] || !p.Until.After(t.At) {
			continue
		}
		delete(t.left, at) // the first that stopped after that time ran then, or nothing did
		if !p.Since.After(t.At) {
			t.ran[at] = p
		}
	}
}

// All returns what ran, by host and path.
func (t *Then) All() []Placement {
	t.Known()
	all := make([]Placement, 0, len(t.ran))
	for _, p := range t.Now {
		if ran, ok := t.ran[place{p.Host, p.Path}]; ok {
			all = append(all, ran)
		}
	}
	return all
}
