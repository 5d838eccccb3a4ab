package packages

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

// Package is what is known of a package, as it is stored.
type Package struct {
	ID          string    `json:"id"`
	Project     string    `json:"project,omitempty"` // whose deployments may ship it; "": all
	Application string    `json:"application"`
	Version     string    `json:"version"`
	Filename    string    `json:"filename"`
	Format      string    `json:"format"`
	Size        int64     `json:"size"` // bytes
	SHA256      string    `json:"sha256"`
	CreatedAt   time.Time `json:"created_at"`

	Source *contract.Source `json:"source,omitempty"` // where it lies, if not here; Size is not known then
}

// Wire is the package as a command carries it.
func (p Package) Wire() contract.Package {
	return contract.Package{
		ID: p.ID, Version: p.Version, Filename: p.Filename,
		Format: p.Format, Size: p.Size, SHA256: p.SHA256, Source: p.Source,
	}
}

// Catalog is the packages of this installation.
type Catalog struct {
	cells   *bus.Cells[Package]
	view    *mirror.Mirror[Package]
	content *content
	limit   int64 // bytes a package may have
}

// Open opens the catalog, whose packages may have at most limit bytes, and
// reads all of it.
func Open(ctx context.Context, b *bus.Bus, limit int64, log zerolog.Logger) (*Catalog, error) {
	cells, err := bus.OpenCells[Package](ctx, b, contract.BucketPackages)
	if err != nil {
		return nil, err
	}
	view, err := mirror.Open(ctx, b, contract.BucketPackages, func(p Package) string { return p.ID }, log)
	if err != nil {
		return nil, err
	}
	content, err := openContent(ctx, b, log)
	if err != nil {
		return nil, err
	}
	return &Catalog{cells, view, content, limit}, view.Refresh(ctx)
}

// New is a package that is about to be stored. SHA256 may be empty.
type New struct {
	ID, Project, Application, Version, Filename, SHA256 string
}

// Store takes the content in and returns the package, and whether it is new: the
// same content again gives the first package. It fails with field.Errors,
// ErrOtherContent, ErrTooLarge, ErrDigest or ErrBroken, and then keeps nothing.
func (c *Catalog) Store(ctx context.Context, n New, body io.Reader) (Package, bool, error) {
	in, err := newIncoming(n, body, c.limit)
	if err != nil {
		return Package{}, false, err
	}
	have, err := c.versionBriefly(ctx, n)
	switch {
	case err == nil: // reading it through is enough to tell whether it is the same
		if _, err := io.Copy(io.Discard, in); err != nil {
			return Package{}, false, in.failure(err)
		}
		return same(have, in.digest())
	case !errors.Is(err, ErrNotFound):
		return Package{}, false, err
	}
	if err := c.content.put(ctx, n.ID, in); err != nil {
		return Package{}, false, in.failure(err)
	}
	return c.record(ctx, Package{
		ID: n.ID, Project: n.Project, Application: n.Application, Version: n.Version, Filename: n.Filename,
		Format: in.format, Size: in.size, SHA256: in.digest(), CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
	})
}

// record makes the package known. If another was first, the content goes again.
func (c *Catalog) record(ctx context.Context, p Package) (Package, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), briefly)
	defer cancel()
	_, err := c.cells.Create(ctx, p.key(), p)
	if err == nil {
		return p, true, nil
	}
	if !errors.Is(err, bus.ErrConflict) {
		return p, false, err // it may be stored or not: the sweep decides what becomes of the content
	}
	have, _, err := c.cells.Get(ctx, p.key())
	switch {
	case err != nil:
		return p, false, err
	case have.ID == p.ID:
		return p, true, nil // an earlier try of the same write
	}
	if p.Source == nil {
		c.content.remove(ctx, p.ID)
	}
	return same(have, p.SHA256)
}

// versionBriefly is Version with a bound of its own: an upload has none.
func (c *Catalog) versionBriefly(ctx context.Context, n New) (Package, error) {
	ctx, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	return c.Version(ctx, n.Project, n.Application, n.Version)
}

func same(have Package, sha string) (Package, bool, error) {
	if have.SHA256 != sha {
		return have, false, ErrOtherContent
	}
	return have, false, nil
}

// Get returns the package with this id, or ErrNotFound.
func (c *Catalog) Get(ctx context.Context, id string) (Package, error) {
	if err := c.view.Refresh(ctx); err != nil {
		return Package{}, err
	}
	if e, ok := c.view.Find(id); ok {
		return e.Value, nil
	}
	return Package{}, ErrNotFound
}

// Version returns the project's package of this version, or ErrNotFound. Those of no
// project are no project's.
func (c *Catalog) Version(ctx context.Context, project, application, version string) (Package, error) {
	if err := c.view.Refresh(ctx); err != nil {
		return Package{}, err
	}
	if e, ok := c.view.Get(versionKey(project, application, version)); ok {
		return e.Value, nil
	}
	return Package{}, ErrNotFound
}

// Shipped returns the package of this version that deployments of the project ship:
// its own, or else that of no project; or ErrNotFound.
func (c *Catalog) Shipped(ctx context.Context, project, application, version string) (Package, error) {
	p, err := c.Version(ctx, project, application, version)
	if errors.Is(err, ErrNotFound) && project != "" {
		return c.Version(ctx, "", application, version)
	}
	return p, err
}

// Newest returns the package of the application that was added last of those that
// deployments of the project may ship, or ErrNotFound.
func (c *Catalog) Newest(ctx context.Context, project, application string) (newest Package, err error) {
	if err := c.view.Refresh(ctx); err != nil {
		return Package{}, err
	}
	c.view.View(func(all map[string]mirror.Entry[Package]) {
		for _, e := range all {
			if p := e.Value; p.Application == application && p.For(project) && p.ID > newest.ID {
				newest = p
			}
		}
	})
	if newest.ID == "" {
		return Package{}, ErrNotFound
	}
	return newest, nil
}

// For says whether deployments of the project may ship the package.
func (p Package) For(project string) bool { return p.Project == "" || p.Project == project }

// Filter chooses packages. What is empty is no condition.
type Filter struct {
	Application, Version string
	Before               string // id of the last one of the page before
	Limit                int
}

// List returns the packages that match, newest first, and whether there are more
// than the limit.
func (c *Catalog) List(ctx context.Context, f Filter) (found []Package, more bool, err error) {
	if err := c.view.Refresh(ctx); err != nil {
		return nil, false, err
	}
	c.view.View(func(all map[string]mirror.Entry[Package]) {
		for _, e := range all {
			p := e.Value
			if (f.Application == "" || p.Application == f.Application) &&
				(f.Version == "" || p.Version == f.Version) && (f.Before == "" || p.ID < f.Before) {
				found = append(found, p)
			}
		}
	})
	slices.SortFunc(found, func(a, b Package) int { return cmp.Compare(b.ID, a.ID) })
	if len(found) > f.Limit {
		return found[:f.Limit], true, nil
	}
	return found, false, nil
}

// Delete removes a package and its content, or fails with ErrNotFound.
func (c *Catalog) Delete(ctx context.Context, id string) error {
	if err := c.view.Refresh(ctx); err != nil {
		return err
	}
	e, ok := c.view.Find(id)
	if !ok {
		return ErrNotFound
	}
	err := c.cells.Delete(ctx, e.Value.key(), e.Revision)
	if err != nil && !errors.Is(err, bus.ErrConflict) {
		return err
	} // records never change: a conflict means that it was deleted just now
	if e.Value.Source == nil {
		c.content.remove(ctx, id)
	}
	return nil
}

// key is where the record of the package stands.
func (p Package) key() string { return versionKey(p.Project, p.Application, p.Version) }

// versionKey is where the record of a version stands. Projects do not take each
// other's versions: nobody is kept from adding theirs.
func versionKey(project, application, version string) string {
	name := application + "\x00" + version
	if project != "" { // others stand where they stood before there were projects
		name = project + "\x00" + name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// Refresh brings the copy that answers come from up to date.
func (c *Catalog) Refresh(ctx context.Context) error { return c.view.Refresh(ctx) }
