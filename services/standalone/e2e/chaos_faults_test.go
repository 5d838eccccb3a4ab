package e2e

import (
	"slices"

	"github.com/stretchr/testify/assert"

	"github.com/slipway-deploy/slipway/services/standalone/chaos"
)

// strike has something happen to a process, and lets it run again.
func (r *chaosRun) strike(s chaos.Strike) {
	r.awaitTime(s.At)
	victim := r.named(s.Victim)
	if victim == nil {
		return
	}
	r.timeline.add("%s of %s", s.Verb, s.Victim)
	switch s.Verb {
	case chaos.Freeze:
		victim.freeze()
		r.awaitTime(s.At + s.For)
		victim.thaw()
	case chaos.Kill:
		victim.kill()
		r.awaitTime(s.At + s.For)
		victim.start()
	case chaos.Restart:
		victim.terminate()
		r.awaitTime(s.At + s.For)
		victim.start()
	}
	r.timeline.add("%s runs again", s.Victim)
}

func (r *chaosRun) named(name string) *process {
	all := append(r.services(), r.broker)
	at := slices.IndexFunc(all, func(p *process) bool { return p.name == name })
	if !assert.GreaterOrEqual(r.t, at, 0, "there is no process %s", name) {
		return nil
	}
	return all[at]
}

// breakDown has something happen to a host, and lets it run again.
func (r *chaosRun) breakDown(b chaos.Break) {
	r.awaitTime(b.At)
	h := r.hosts[b.Host]
	r.timeline.add("%s %s", h.Name, b.Verb)
	switch b.Verb {
	case chaos.CutShort:
		h.KillSessions()
	case chaos.Down:
		h.Stop()
		r.awaitTime(b.At + b.For)
		h.Start()
		r.timeline.add("%s runs again", h.Name)
	}
}
