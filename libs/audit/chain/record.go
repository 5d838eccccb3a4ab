package chain

import (
	"context"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
)

// briefly is for what became of something, even where the context of that has ended.
const briefly = 3 * time.Second

// Record has the log say that something is about to be done, does it, and has the log say what became of it: for programs
// that change something beside the gateways. Where the first entry cannot be stored, nothing is done. That the second
// cannot be is no failure of what was done.
func Record(ctx context.Context, b *bus.Bus, e audit.Entry, do func(context.Context) error) error {
	c, err := Open(ctx, b)
	if err != nil {
		return err
	}
	e.Outcome = audit.Asked
	if err := c.store(ctx, &e); err != nil {
		return err
	}
	err = do(ctx)
	e.Asked, e.Outcome = e.Seq, audit.Accepted
	if err != nil {
		e.Outcome = audit.Failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), briefly)
	defer cancel()
	_ = c.store(ctx, &e)
	return err
}

// store stores one entry, which has its number then.
func (c *Chain) store(ctx context.Context, e *audit.Entry) error {
	e.Time = time.Now().UTC().Truncate(time.Millisecond)
	return c.Append(ctx, func(head audit.Head) ([]byte, audit.Head, error) {
		line, next, err := head.Link(*e)
		e.Seq = next.Seq
		return append(line, '\n'), next, err
	})
}
