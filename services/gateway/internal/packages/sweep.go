package packages

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

// Sweep removes content that belongs to no package: an upload died, or its
// content could not be removed at once. Content younger than age is left alone,
// as it may be on its way in; an upload never pauses that long.
func (c *Catalog) Sweep(ctx context.Context, age time.Duration) error {
	objects, err := c.content.objects.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return err
	}
	known, err := c.known(ctx) // after the list: what it has not recorded by now is not new
	if err != nil {
		return err
	}
	if err := c.sweepObjects(ctx, objects, known, age); err != nil {
		return err
	}
	spared := known.ids
	for _, o := range objects {
		spared[o.NUID] = true
	}
	return c.content.sweepChunks(ctx, spared, age, func() error { return c.view.Still(ctx, known.generation) })
}

// knowledge is the ids of all packages that there are: whatever is not among them
// is no package, as long as the copy that says so is of this generation.
type knowledge struct {
	ids        map[string]bool
	generation uint64
}

// known fails with mirror.ErrPartial where it is not certain that these are all.
func (c *Catalog) known(ctx context.Context) (knowledge, error) {
	k := knowledge{ids: map[string]bool{}}
	if err := c.view.Refresh(ctx); err != nil {
		return k, err
	}
	var err error
	k.generation, err = c.view.Whole(func(all map[string]mirror.Entry[Package]) {
		for _, e := range all {
			k.ids[e.Value.ID] = true
		}
	})
	return k, err
}

// sweepObjects removes content that came to its end, and belongs to no package.
func (c *Catalog) sweepObjects(ctx context.Context, objects []*jetstream.ObjectInfo, known knowledge, age time.Duration) error {
	for _, o := range objects {
		if known.ids[o.Name] || time.Since(o.ModTime) <= age {
			continue
		}
		if err := c.view.Still(ctx, known.generation); err != nil {
			return err
		}
		c.content.log.Info().Str("object", o.Name).Msg("removing content that belongs to no package")
		c.content.remove(ctx, o.Name)
	}
	return nil
}

// sweepChunks removes what uploads left behind that never came to their end. What
// is spared are the chunks of content that did. It ends where certain fails.
func (c *content) sweepChunks(ctx context.Context, spared map[string]bool, age time.Duration, certain func() error) error {
	info, err := c.stream.Info(ctx, jetstream.WithSubjectFilter(chunks+">"))
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		if spared[strings.TrimPrefix(subject, chunks)] {
			continue
		}
		last, err := c.stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && time.Since(last.Time) <= age {
			continue
		}
		if err == nil {
			err = certain()
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
