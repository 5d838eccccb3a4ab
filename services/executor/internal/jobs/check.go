package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
	"github.com/slipway-deploy/slipway/services/executor/internal/supervisor"
)

// check sees that the release runs that was switched to: by one check after
// another, each of which is tried until it passes.
func (a *attempt) check(ctx context.Context) (note string, err error) {
	if a.unchanged {
		return nothingChanged, nil
	}
	var late []string
	for _, c := range a.work.Checks {
		tries, err := a.await(ctx, c)
		if err != nil {
			return "", err
		}
		if tries > 1 {
			late = append(late, fmt.Sprintf("%s passed at try %d", c.Name, tries))
		}
	}
	return strings.Join(late, ", "), a.settle(ctx)
}

// await tries a check until it passes, and says how often that was.
// Where the time is up before that, the last verdict is the error.
func (a *attempt) await(ctx context.Context, c contract.HostCheck) (tries int, err error) {
	var verdict error
	pause := c.Delay
	for tries = 1; ; tries++ {
		err := rest(ctx, pause)
		if err == nil {
			err = a.tryCheck(ctx, c)
		}
		switch {
		case err == nil:
			return tries, nil
		case ctx.Err() != nil && verdict != nil:
			return tries, verdict
		case ctx.Err() != nil || !isVerdict(err):
			return tries, err
		}
		verdict = fmt.Errorf("%w: %s, try %d of %d: %w", failure.ErrCheck, c.Name, tries, c.Tries, err)
		if tries >= c.Tries {
			return tries, verdict
		}
		pause = c.Interval
	}
}

// isVerdict says whether an error of a try is about the application, and not about the
// way to it.
func isVerdict(err error) bool {
	for _, verdict := range []error{
		hostcmd.ErrCommand, failure.ErrDeadline, errPage, ssh.ErrNobody, supervisor.ErrNotStarted,
	} {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}

// tryCheck makes one try.
func (a *attempt) tryCheck(ctx context.Context, c contract.HostCheck) error {
	name := fmt.Sprintf("check %q", c.Name)
	switch p := c.Process; {
	case c.Command != "":
		return a.ownTask(ctx, name, hostcmd.Task{Command: c.Command}, c.Timeout)
	case p != nil && p.Pattern != "":
		return a.ownTask(ctx, name, hostcmd.FindPattern(p.Pattern, during(p.For)), c.Timeout)
	case p != nil && p.Pidfile != "":
		return a.ownTask(ctx, name, hostcmd.FindPidfile(p.Pidfile, during(p.For)), c.Timeout)
	}
	within, cancel := context.WithTimeoutCause(ctx, during(c.Timeout), failure.ErrDeadline)
	defer cancel()
	var err error
	switch {
	case c.HTTP != nil:
		err = a.fetchPage(within, *c.HTTP)
	case c.TCP != "":
		err = a.knock(within, c.TCP)
	case c.Process != nil && c.Process.Supervisor != nil:
		s := *c.Process.Supervisor
		err = a.supervisor(s).Alive(within, s.Program, during(c.Process.For))
	default:
		err = fmt.Errorf("%w: check %q says nothing", contract.ErrMalformed, c.Name)
	}
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), failure.ErrDeadline) {
		err = fmt.Errorf("%w after %s", failure.ErrDeadline, during(c.Timeout))
	}
	return err
}

func during(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// rest waits so many milliseconds.
func rest(ctx context.Context, ms int64) error {
	timer := time.NewTimer(during(ms))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
