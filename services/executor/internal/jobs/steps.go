package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// activate points current at the release, or back at an earlier one.
func (a *attempt) activate(ctx context.Context) (note string, err error) {
	if err := a.knowsContainer(); err != nil {
		return "", err
	}
	if err := a.share(ctx); err != nil {
		return "", err
	}
	a.current = "" // a command whose end is not known may have moved the link
	out, err := a.run(ctx, nil, a.switchAndClean)
	if err != nil {
		if ended(ctx, err) {
			a.current = a.runs(ctx)
		}
		return "", err
	}
	if runs, unchanged := out.Get(hostcmd.KeyUnchanged); unchanged {
		a.current, a.outcome.Release, a.unchanged = runs, runs, true
		a.outcome.Note = fmt.Sprintf("the host runs %s, so there was nothing to do", orNothing(runs))
		return a.outcome.Note, nil
	}
	a.outcome.Release, _ = out.Get(hostcmd.KeyCurrent)
	a.current = a.outcome.Release
	if version, files := out.Drifted(); files > 0 {
		note = fmt.Sprintf("%d files of release %s were changed on the host since it was staged", files, version)
		a.outcome.Note = note
	}
	// An earlier attempt may have moved the link: the host remembers what was left.
	if a.kind == deploy.KindRollback {
		a.outcome.Previous, _ = out.Get(hostcmd.KeyRolledBack)
		a.outcome.Changed = true
	} else {
		a.outcome.Previous, a.outcome.Changed = out.Get(hostcmd.KeyPrevious)
	}
	return note, a.publish(ctx)
}

// switchAndClean is what points current elsewhere, and along with it what cleans up, where
// that comes next. What is to be removed by name stays until the switch has answered.
func (a *attempt) switchAndClean() (hostcmd.Command, error) {
	command, err := a.switchCommand()
	if err != nil || a.between() || len(a.app.Remove) > 0 {
		return command, err
	}
	if clean, err := a.cleanCommand(); err == nil { // else the step that cleans up says what is wrong
		command = command.AndThen(clean)
	}
	return command, nil
}

// switchCommand is what points current elsewhere.
func (a *attempt) switchCommand() (hostcmd.Command, error) {
	switch {
	case a.kind == deploy.KindRollback:
		return hostcmd.Rollback(a.fence, a.app.Path, a.from, cmp.Or(a.to, a.prepared), a.deployment)
	case a.onTrial():
		return hostcmd.Try(a.fence, a.release, a.deployment)
	default:
		return hostcmd.Switch(a.fence, a.release, a.deployment)
	}
}

// cleanCommand is what removes the releases beyond those to keep.
func (a *attempt) cleanCommand() (hostcmd.Command, error) {
	clean := hostcmd.Clean
	if a.reversible {
		clean = hostcmd.CleanSparing
	}
	return clean(a.fence, a.app.Path, a.app.Keep, a.app.Remove...)
}

// publish has the link of the application lead to what runs.
func (a *attempt) publish(ctx context.Context) error {
	if a.work == nil || a.work.Link == "" {
		return nil
	}
	_, err := a.run(ctx, nil, func() (hostcmd.Command, error) {
		return hostcmd.Publish(a.fence, a.app.Path, a.work.Link, a.runtime.Entry)
	})
	return err
}

// ended says whether the error of a command is its exit status, so that nothing
// of it goes on.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !ssh.IsTransient(err) && !errors.Is(err, hosts.ErrKilled)
}

// runs asks the host what it runs; empty if it does not say.
func (a *attempt) runs(ctx context.Context) string {
	out, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Inspect(a.app.Path) })
	if err != nil {
		return ""
	}
	current, _ := out.Get(hostcmd.KeyCurrent)
	return current
}

// onTrial says whether it is still to be seen, once it is switched to, whether the
// release is any good. Until then no rollback goes to it.
func (a *attempt) onTrial() bool { return a.kind == deploy.KindDeploy && a.between() }

// between says whether anything is to be done between the switch and cleaning up. If not, both
// are asked for at once: from the switch on nothing stops a job, and each attempt would clean
// up alike.
func (a *attempt) between() bool {
	w := a.work.Domain(a.kind)
	return w.During || w.Restart || w.Check || w.After || a.work != nil && a.work.Link != ""
}

// clean removes the releases beyond those to keep, now that the new one is good.
func (a *attempt) clean(ctx context.Context) (note string, err error) {
	if a.onTrial() {
		prove := func() (hostcmd.Command, error) {
			return hostcmd.Prove(a.fence, a.app.Path, a.release.Version, a.deployment)
		}
		if _, err := a.run(ctx, nil, prove); err != nil {
			return "", err
		}
	}
	out, err := a.run(ctx, nil, a.cleanCommand)
	var said []string
	if removed := out.All(hostcmd.KeyRemoved); len(removed) > 0 {
		said = append(said, "removed "+strings.Join(removed, ", "))
	}
	if spared, ok := out.Get(hostcmd.KeySpared); ok {
		said = append(said, "kept "+spared+", since the deployment may be taken back")
	}
	note = strings.Join(said, "; ")
	if err == nil {
		err = a.sweep(ctx)
	}
	return note, err
}

// run runs the command that build returns on the host, and returns what it
// reported.
func (a *attempt) run(ctx context.Context, stdin io.Reader, build func() (hostcmd.Command, error)) (hostcmd.Output, error) {
	command, err := build()
	if err != nil {
		return hostcmd.Output{}, err
	}
	return a.host.Run(ctx, command, stdin)
}

func orNothing(release string) string {
	if release == "" {
		return "no release"
	}
	return release
}
