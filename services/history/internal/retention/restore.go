package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// Restorer brings archived deployments back.
type Restorer struct {
	docs *store.Store
	now  time.Time
	only string // the deployment that is wanted; "": all

	file   string
	wanted bool // the one that is being read
	header *archive.Document
	hosts  bool // some were among its documents

	Restored, There []string // deployments that were brought back, and that were there
}

// NewRestorer returns one that brings back this deployment, or all that it is shown ("").
func NewRestorer(docs *store.Store, only string, now time.Time) *Restorer {
	return &Restorer{docs: docs, only: only, now: now.UTC().Truncate(time.Millisecond)}
}

// FileOf returns the name of the file that a deployment was archived as, or
// ErrNotArchived.
func FileOf(ctx context.Context, docs *store.Store, deployment string) (string, error) {
	found, err := docs.Archived(ctx, []string{deployment})
	if err != nil {
		return "", err
	}
	if found[deployment].File == "" {
		return "", fmt.Errorf("%w: %s", ErrNotArchived, deployment)
	}
	return found[deployment].File, nil
}

// Restore brings back what is in a file, which is read to its end before: nothing of a
// damaged one is. A deployment that is there stays as it is. It may be repeated.
func (r *Restorer) Restore(ctx context.Context, name string, f archive.File) error {
	if _, err := archive.Check(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	r.file = name
	if err := archive.Read(f, restoring{r, ctx}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// restoring is a Restorer that reads a file.
type restoring struct {
	*Restorer
	ctx context.Context //nolint:containedctx // of one reading, whose calls it bounds
}

// Begin implements archive.Reader.
func (r restoring) Begin(of archive.Deployment) error {
	r.header, r.hosts = nil, false
	if r.wanted = r.only == "" || r.only == of.ID; !r.wanted {
		return nil
	}
	there, err := r.docs.Headers(r.ctx, []string{of.ID})
	if err != nil {
		return err
	}
	if h, ok := there[of.ID]; ok && !h.AcceptedAt.IsZero() {
		r.wanted = false
		r.There = append(r.There, of.ID)
		return nil
	}
	return r.note(of)
}

// note says that the deployment is not gone any more, before its documents are there: should
// this end halfway, they are not taken away before the rest has come.
func (r restoring) note(of archive.Deployment) error {
	known, err := r.docs.Archived(r.ctx, []string{of.ID})
	if err != nil {
		return err
	}
	a, ok := known[of.ID]
	switch {
	case a.Removing:
		return fmt.Errorf("%w: %s", ErrRemoving, of.ID)
	case !ok:
		a = fold.Archived{Deployment: of.ID, File: r.file, At: r.now}
	}
	a.Restored = r.now
	return r.docs.PutArchived(r.ctx, a)
}

// Document implements archive.Reader.
func (r restoring) Document(of archive.Deployment, d archive.Document) error {
	if !r.wanted {
		return nil
	}
	doc := store.DocumentOf(d.Raw)
	if !slices.Contains(store.OfDeployments(), d.Collection) || doc.ID != of.ID && !strings.HasPrefix(doc.ID, of.ID+"/") || doc.Seq == 0 {
		return fmt.Errorf("%w: %s %q is no document of %s", archive.ErrDamaged, d.Collection, doc.ID, of.ID)
	}
	if doc.ID == of.ID { // the last one, so that it is there whole or not at all
		r.header = &d
		return nil
	}
	r.hosts = r.hosts || d.Collection == "hosts"
	return r.put(d.Collection, doc)
}

// End implements archive.Reader.
func (r restoring) End(of archive.Deployment) error {
	if !r.wanted {
		return nil
	}
	if r.header == nil {
		return fmt.Errorf("%w: %s has no header", archive.ErrDamaged, of.ID)
	}
	header := store.DocumentOf(r.header.Raw)
	if !r.hosts { // an earlier version wrote the file
		if err := r.docs.FillHostsOf(r.ctx, header); err != nil {
			return err
		}
	}
	if err := r.put(r.header.Collection, header); err != nil {
		return err
	}
	r.Restored = append(r.Restored, of.ID)
	return nil
}

// put writes a document, in the place of what may be left of it.
func (r restoring) put(collection string, d store.Document) error {
	err := r.docs.Replace(r.ctx, collection, d, 0)
	if !errors.Is(err, fold.ErrConflict) {
		return err
	}
	left, there, err := r.docs.Read(r.ctx, collection, d.ID)
	if err != nil || there && left.Difference(d) == "" {
		return err
	}
	return r.docs.Replace(r.ctx, collection, d, left.Seq)
}
