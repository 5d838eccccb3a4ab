package commands

import (
	"context"
	"errors"
	"sync"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
)

// progress shows how a deployment goes on.
type progress interface {
	show(follow.Snapshot)
	stop()
}

// standing is the JSON document of a deployment with its hosts.
type standing struct {
	Deployment client.Deployment `json:"deployment"`
	Targets    []client.Target   `json:"targets,omitempty"`
}

// watchToEnd follows a deployment to its end and reports: on a terminal as a block that is redrawn, else as plain
// lines, or as one JSON document at the end. It fails with errFailed where the deployment did.
func (a *app) watchToEnd(ctx context.Context, c *client.Client, o *outage, id string) error {
	var p progress
	switch {
	case a.asJSON():
		p = silence{}
	case a.live():
		p = a.newBlock(c, o)
	default:
		p = &lines{say: func(change follow.Change) error { return a.print(display.Change(change)) }}
	}
	end, err := a.follow(ctx, c, o, id, p)
	if err != nil {
		return err
	}
	if a.asJSON() {
		return errors.Join(a.document(standing{end.Deployment, end.Targets}), failure(end.Deployment))
	}
	report := append([]string{display.Summary(end.Deployment, a.color())}, display.TakenBack(end.Deployment)...)
	if failures := display.Failures(end.Targets, a.color()); failures != nil {
		report = append(append(report, ""), failures...)
		report = append(report, display.WhereToLook(end.Deployment, end.Targets)...)
	}
	return errors.Join(a.print(report...), failure(end.Deployment))
}

// follow watches a deployment, and says how to come back where it cannot to the end.
func (a *app) follow(ctx context.Context, c *client.Client, o *outage, id string, p progress) (follow.Snapshot, error) {
	end, err := follow.Until(ctx, c, id, func(s follow.Snapshot) {
		o.over()
		p.show(s)
	})
	p.stop()
	if err != nil && !errors.Is(err, client.ErrRejected) && !end.Deployment.State.Ended() {
		a.note("The deployment goes on. 'slipway watch %s' comes back to it.", id)
	}
	return end, err
}

// failure is errFailed for a deployment that ended otherwise than it was meant to.
func failure(d client.Deployment) error {
	if d.State.Ended() && d.State != client.Succeeded {
		return errFailed
	}
	return nil
}

// silence shows nothing.
type silence struct{}

func (silence) show(follow.Snapshot) {}
func (silence) stop()                {}

// lines shows each change once.
type lines struct {
	differ follow.Differ
	say    func(follow.Change) error
}

func (l *lines) show(s follow.Snapshot) {
	for _, change := range l.differ.Changes(s) {
		// Output that cannot be written is found again at the end; until then the deployment counts.
		_ = l.say(change)
	}
}

func (l *lines) stop() {}

// block shows the deployment as lines that are redrawn in place.
type block struct {
	live *display.Live

	mu     sync.Mutex
	last   follow.Snapshot
	notice string
}

func (a *app) newBlock(c *client.Client, o *outage) *block {
	b := &block{}
	o.through(func(text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notice = text
	})
	color := a.color()
	b.live = display.Start(terminal{a.out}, func(width, height int) []string {
		b.mu.Lock()
		v := display.View{Deployment: b.last.Deployment, Targets: b.last.Targets, Now: c.Now(), Notice: b.notice}
		b.mu.Unlock()
		return display.Frame(v, width, height, color)
	})
	return b
}

func (b *block) show(s follow.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = s
}

func (b *block) stop() { b.live.Stop() }
