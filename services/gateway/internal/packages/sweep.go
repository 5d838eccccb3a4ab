package packages

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Sweep removes content that belongs to no package: an upload died, or its
// content could not be removed at once. Content younger than age is left alone,
// as it may be on its way in; an upload never pauses that long.
func (c *Catalog) Sweep(ctx context.Context, age time.Duration) error {
	objects, err := c.content.objects.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return err
	}
	if err := c.view.Refresh(ctx); err != nil { // after the list: what it has not recorded by now is not new
		return err
	}
	complete := map[string]bool{}
	for _, o := range objects {
		complete[o.NUID] = true
		if _, ok := c.view.Find(o.Name); !ok && time.Since(o.ModTime) > age {
			c.content.log.Info().Str("object", o.Name).Msg("removing content that belongs to no package")
			c.content.remove(ctx, o.Name)
		}
	}
	return c.content.sweepChunks(ctx, complete, age)
}

// sweepChunks removes what uploads left behind that never came to their end.
func (c *content) sweepChunks(ctx context.Context, complete map[string]bool, age time.Duration) error {
	info, err := c.stream.Info(ctx, jetstream.WithSubjectFilter(chunks+">"))
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		if complete[strings.TrimPrefix(subject, chunks)] {
			continue
		}
		last, err := c.stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && time.Since(last.Time) <= age {
			continue
		}
		if err != nil {
			return err
		}
		c.log.Info().Str("subject", subject).Uint64("chunks", info.State.Subjects[subject]).Msg("removing what an upload left behind")
		if err := c.stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return err
		}
	}
	return nil
}
