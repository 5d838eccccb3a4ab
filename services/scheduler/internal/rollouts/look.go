package rollouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// look finds a deployment at work that does not come on, or does again, and says
// so.
func (s *Scheduler) look(ctx context.Context, id string, rec record) error {
	if !rec.Rollout.Dispatches() {
		return nil
	}
	var seen deploy.Seen
	_, m, err := s.lastWord(ctx, contract.JobEventsOf(id))
	switch {
	case err == nil:
		seen.Last = m.Time
	case !errors.Is(err, bus.ErrNone):
		return fmt.Errorf("look at deployment: %w", err)
	}
	o, err := readOrder(rec.Command)
	if err != nil {
		return fmt.Errorf("read stored command: %w", err)
	}
	if seen.NoExecutor, err = s.unserved(ctx, o, rec.Rollout); err != nil {
		return err
	}
	look := func(now deploy.Rollout) deploy.Rollout { return now.Look(seen, clock()) }
	if rec.Rollout.Make(look).Turn == rec.Rollout.Turn {
		return nil // nothing to say: and to write the record would make it look busy
	}
	if _, err := s.advance(ctx, id, look); err != nil {
		return err
	}
	return s.drive(ctx, id)
}
