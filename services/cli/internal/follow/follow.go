package follow

import (
	"context"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// API is what is asked of the gateway.
type API interface {
	Deployment(ctx context.Context, id string) (client.Deployment, error)
	Targets(ctx context.Context, id, cursor string) (client.Page[client.Target], error)
}

// Snapshot is how a deployment stands, as far as it was read. Nobody changes it once it is handed out.
type Snapshot struct {
	Deployment client.Deployment
	Targets    []client.Target // in the order of the plan
}

const (
	// interval is the time between two looks.
	interval = 250 * time.Millisecond
	// lateLooks is how often to look again for targets of a deployment that has ended while they have not: the
	// documents are written one after the other.
	lateLooks = 8
)

// Until watches the deployment until it ends, and returns how. Each look is handed to show. It fails when a look does,
// or with the cause of the context's end.
func Until(ctx context.Context, api API, id string, show func(Snapshot)) (Snapshot, error) {
	f := &follower{api: api, id: id}
	for {
		ended, err := f.look(ctx)
		if err != nil {
			return f.snapshot(), err
		}
		show(f.snapshot())
		if ended {
			return f.snapshot(), nil
		}
		select {
		case <-time.After(interval): // after the answers, so that a gateway that is slow is asked less
		case <-ctx.Done():
			return f.snapshot(), context.Cause(ctx)
		}
	}
}

type follower struct {
	api        API
	id         string
	deployment client.Deployment
	pages      []*page // as far as the list was read
	last       int     // page that was read last
	late       int     // looks since the deployment ended
}

// look reads the deployment and the page whose turn it is; all of them that are open, once the deployment has ended.
// It says whether there is nothing more to see.
func (f *follower) look(ctx context.Context) (bool, error) {
	d, err := f.api.Deployment(ctx, f.id)
	if err != nil {
		return false, err
	}
	f.deployment = d
	if len(f.pages) == 0 {
		f.pages = []*page{{}}
	}
	if !d.State.Ended() {
		return false, f.read(ctx, f.turn())
	}
	f.late++
	for i := 0; i < len(f.pages); i++ { // reading the last may add another
		if f.pages[i].settled(f.listed() >= d.Targets) {
			continue
		}
		if err := f.read(ctx, i); err != nil {
			return false, err
		}
	}
	return f.settled() || f.late > lateLooks, nil
}

// read reads one page; -1 is none.
func (f *follower) read(ctx context.Context, i int) error {
	if i < 0 {
		return nil
	}
	got, err := f.api.Targets(ctx, f.id, f.pages[i].cursor)
	if err != nil {
		return err
	}
	p := f.pages[i]
	p.read, p.targets = true, got.Items
	if got.Next != "" && i == len(f.pages)-1 && got.Next != p.cursor {
		f.pages = append(f.pages, &page{cursor: got.Next})
	}
	p.next = got.Next != ""
	f.last = i
	return nil
}

// turn returns the page to read next, or -1 where none can have changed.
func (f *follower) turn() int {
	complete := f.listed() >= f.deployment.Targets
	for n := range f.pages {
		i := (f.last + 1 + n) % len(f.pages)
		if p := f.pages[i]; !p.settled(complete) && !p.waits(f.deployment.Wave) {
			return i
		}
	}
	return -1
}

func (f *follower) settled() bool {
	for _, p := range f.pages {
		if !p.settled(f.listed() >= f.deployment.Targets) {
			return false
		}
	}
	return true
}

// listed is how many targets were read so far.
func (f *follower) listed() int {
	n := 0
	for _, p := range f.pages {
		n += len(p.targets)
	}
	return n
}

func (f *follower) snapshot() Snapshot {
	targets := make([]client.Target, 0, f.listed())
	for _, p := range f.pages {
		targets = append(targets, p.targets...)
	}
	return Snapshot{Deployment: f.deployment, Targets: targets}
}

// page is a page of targets, as it was read last.
type page struct {
	cursor  string
	read    bool
	next    bool // there is another after it
	targets []client.Target
}

// settled says whether nothing in the page can change any more. While the list is not complete, a short page can
// still grow, and the last can get another after it.
func (p *page) settled(complete bool) bool {
	if !p.read || !complete && (!p.next || len(p.targets) < client.PageLimit) {
		return false
	}
	for _, t := range p.targets {
		if !t.State.Ended() {
			return false
		}
	}
	return true
}

// waits says whether the whole page is of waves that have not begun.
func (p *page) waits(wave int) bool {
	if !p.read || len(p.targets) == 0 {
		return false
	}
	for _, t := range p.targets {
		if t.Wave <= wave || t.State != client.Pending {
			return false
		}
	}
	return true
}
