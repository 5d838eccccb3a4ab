package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// progressEvery is how often a transfer is reported on.
const progressEvery = time.Second

// look reads what is on the host. For a deployment, which is about to send much,
// it raises the fence too; the first command of a rollback raises it itself.
func (a *attempt) look(ctx context.Context) (note string, err error) {
	switch a.kind {
	case deploy.KindTraffic, deploy.KindRetire: // the release is not what there is to see
		_, err := a.run(ctx, nil, func() (string, error) { return hostcmd.Claim(a.fence) })
		return "", err
	case deploy.KindRollback:
		out, err := a.run(ctx, nil, func() (string, error) { return hostcmd.Inspect(a.app.Path) })
		a.current, _ = out.Get(hostcmd.KeyCurrent)
		return "", err
	}
	bundle, err := a.bundles.Take(ctx, a.pkg)
	if err != nil {
		return "", err
	}
	need := bundle.DiskBytes()
	bundle.Release()
	out, err := a.run(ctx, nil, func() (string, error) { return hostcmd.Probe(a.fence, a.release, need) })
	a.current, _ = out.Get(hostcmd.KeyCurrent)
	staged, _ := out.Get(hostcmd.KeyStaged)
	a.staged = staged == "yes"
	return "", err
}

// stage brings the release onto the host, beside the one that runs, unless it
// lies there complete.
func (a *attempt) stage(ctx context.Context) (note string, err error) {
	if a.staged {
		return "the release is on the host already", nil
	}
	bundle, err := a.bundles.Take(ctx, a.pkg)
	if err != nil {
		return "", err
	}
	defer bundle.Release()
	file, err := bundle.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sent := hostcmd.Bundle{SHA256: bundle.SHA256, Size: bundle.Size}
	return "", a.transfer(ctx, bundle, file, func(ctx context.Context, content io.Reader) error {
		_, err := a.run(ctx, content, func() (string, error) { return hostcmd.Stage(a.fence, a.release, sent, a.deployment) })
		return err
	})
}

// transfer runs send with the content and reports how much of it was read.
func (a *attempt) transfer(ctx context.Context, b *bundles.Bundle, content io.Reader, send func(context.Context, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m := &meter{Reader: content}
	sent := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		var told int64
		for {
			select {
			case <-sent:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if done := m.read.Load(); done != told {
				told = done
				if err := a.journal.progress(ctx, deploy.StepStage, done, b.Size); errors.Is(err, errSuperseded) {
					cancel(err)
					return
				}
			}
		}
	})
	err := send(ctx, m)
	close(sent)
	reporting.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, errSuperseded) {
		return cause
	}
	return err
}

// activate points current at the release, or back at an earlier one.
func (a *attempt) activate(ctx context.Context) (note string, err error) {
	a.current = "" // a command whose end is not known may have moved the link
	out, err := a.run(ctx, nil, func() (string, error) {
		if a.kind == deploy.KindRollback {
			return hostcmd.Rollback(a.fence, a.app.Path, a.from, a.to, a.deployment)
		}
		return hostcmd.Switch(a.fence, a.release, a.deployment)
	})
	if err != nil {
		if ended(ctx, err) {
			a.current = a.runs(ctx)
		}
		return "", err
	}
	if runs, unchanged := out.Get(hostcmd.KeyUnchanged); unchanged {
		a.current, a.outcome.Release = runs, runs
		a.outcome.Note = fmt.Sprintf("the host runs %s, so there was nothing to do", orNothing(runs))
		return a.outcome.Note, nil
	}
	a.outcome.Release, _ = out.Get(hostcmd.KeyCurrent)
	a.current = a.outcome.Release
	// An earlier attempt may have moved the link: the host remembers what was left.
	if a.kind == deploy.KindRollback {
		a.outcome.Previous, _ = out.Get(hostcmd.KeyRolledBack)
		a.outcome.Changed = true
		return "", nil
	}
	a.outcome.Previous, a.outcome.Changed = out.Get(hostcmd.KeyPrevious)
	return "", nil
}

// ended says whether the error of a command is its exit status, so that nothing
// of it goes on.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !ssh.IsTransient(err) && !errors.Is(err, hosts.ErrKilled)
}

// runs asks the host what it runs; empty if it does not say.
func (a *attempt) runs(ctx context.Context) string {
	out, err := a.run(ctx, nil, func() (string, error) { return hostcmd.Inspect(a.app.Path) })
	if err != nil {
		return ""
	}
	current, _ := out.Get(hostcmd.KeyCurrent)
	return current
}

// clean removes the releases beyond those to keep.
func (a *attempt) clean(ctx context.Context) (note string, err error) {
	out, err := a.run(ctx, nil, func() (string, error) { return hostcmd.Clean(a.fence, a.app.Path, a.app.Keep) })
	if removed := out.All(hostcmd.KeyRemoved); len(removed) > 0 {
		note = "removed " + strings.Join(removed, ", ")
	}
	return note, err
}

// run runs the command that build returns on the host, and returns what it
// reported.
func (a *attempt) run(ctx context.Context, stdin io.Reader, build func() (string, error)) (hostcmd.Output, error) {
	line, err := build()
	if err != nil {
		return hostcmd.Output{}, err
	}
	return a.host.Run(ctx, line, stdin)
}

func orNothing(release string) string {
	if release == "" {
		return "no release"
	}
	return release
}

// meter counts what is read.
type meter struct {
	io.Reader
	read atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.read.Add(int64(n))
	return n, err
}
