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
	return strings.Join(late, ", "), nil
}

// await tries a check until it passes, and says how often that was.
func (a *attempt) await(ctx context.Context, c contract.HostCheck) (tries int, err error) {
	pause := c.Delay
	for tries = 1; ; tries++ {
		if err := rest(ctx, pause); err != nil {
			return tries, err
		}
		err := a.probe(ctx, c)
		switch {
		case err == nil:
			return tries, nil
		case !errors.Is(err, hostcmd.ErrCommand) && (!errors.Is(err, failure.ErrDeadline) || ctx.Err() != nil):
			return tries, err // it says nothing about the application
		case tries >= c.Tries:
			return tries, fmt.Errorf("%w: %s, try %d of %d: %w", failure.ErrCheck, c.Name, tries, c.Tries, err)
		}
		pause = c.Interval
	}
}

// probe makes one try.
func (a *attempt) probe(ctx context.Context, c contract.HostCheck) error {
	_, err := a.task(ctx, hostcmd.Task{Version: a.outcome.Release, Command: c.Command}, c.Timeout)
	return err
}

// rest waits so many milliseconds.
func rest(ctx context.Context, ms int64) error {
	if ms <= 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
