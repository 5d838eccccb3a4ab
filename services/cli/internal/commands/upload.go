package commands

import (
	"context"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// upload brings a file to the server, and shows how far it is.
func (a *app) upload(ctx context.Context, c *client.Client, o *outage, application string, f deployFlags) (client.Package, error) {
	t := a.newTransfer(o)
	defer t.stop()
	t.begin("reading " + f.source)
	file, err := client.OpenFile(ctx, f.source, t.moved)
	if err != nil {
		if ctx.Err() == nil {
			err = usageError{err}
		}
		return client.Package{}, err
	}
	t.begin("uploading " + file.Name)
	stored, sent, err := c.Upload(ctx, f.project, application, f.version, file, func(n int64) {
		o.over()
		t.moved(n, file.Size)
	})
	if err != nil {
		return stored, err
	}
	t.stop()
	if a.asJSON() {
		return stored, nil
	}
	// Standard output is for the deployment alone, which --detach is used to keep.
	if sent {
		a.note("Uploaded %s, %s.", file.Name, display.Size(file.Size))
	} else {
		a.note("%s %s is uploaded already.", application, f.version)
	}
	return stored, nil
}

// transfer is a line that is redrawn on a terminal while bytes move; elsewhere it is nothing.
type transfer struct {
	live *display.Live
	once sync.Once

	mu          sync.Mutex
	what        string
	since       time.Time
	done, total int64
	notice      string
}

func (a *app) newTransfer(o *outage) *transfer {
	t := &transfer{}
	if !a.live() {
		return t
	}
	o.through(func(text string) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.notice = text
	})
	color := a.color()
	t.live = display.Start(terminal{a.out}, func(width, _ int) []string {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.what == "" {
			return nil
		}
		return display.Transfer(t.what, t.done, t.total, time.Since(t.since), t.notice, width, color)
	})
	return t
}

// begin starts a part of the work.
func (t *transfer) begin(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.what, t.since, t.done, t.total = what, time.Now(), 0, 0
}

// moved is told how many bytes of how many are done.
func (t *transfer) moved(done, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done, t.total = done, total
}

// stop takes the line away. It may be called twice.
func (t *transfer) stop() {
	t.once.Do(func() {
		t.begin("")
		if t.live != nil {
			t.live.Stop()
		}
	})
}
