package projects

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
	"github.com/slipway-deploy/slipway/services/gateway/internal/revision"
)

// Store is the projects of this installation, and the groups of its servers.
type Store struct {
	cells *bus.Cells[Item]
	view  *mirror.Mirror[Item]
}

// Open opens the store and reads all of it.
func Open(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*Store, error) {
	cells, err := bus.OpenCells[Item](ctx, b, contract.BucketProjects)
	if err != nil {
		return nil, err
	}
	view, err := mirror.Open(ctx, b, contract.BucketProjects, func(i Item) string { return i.ID }, log)
	if err != nil {
		return nil, err
	}
	return &Store{cells, view}, view.Refresh(ctx)
}

// Create stores a new item and returns it with its revision. Creating again what an
// earlier attempt with the same id left behind gives that. It fails with ErrNameTaken.
func (s *Store) Create(ctx context.Context, i Item) (Item, uint64, error) {
	rev, err := s.cells.Create(ctx, i.key(), i)
	if !errors.Is(err, bus.ErrConflict) {
		return i, rev, err
	}
	have, rev, err := s.cells.Get(ctx, i.key())
	if err == nil && have.ID != i.ID {
		err = ErrNameTaken
	}
	return have, rev, err
}

// cell is where an item is stored.
func (s *Store) cell(i Item) revision.Cell[Item] {
	return revision.Cell[Item]{
		Read: func(ctx context.Context) (Item, uint64, error) {
			have, rev, err := s.cells.Get(ctx, i.key())
			if errors.Is(err, bus.ErrNone) || err == nil && have.ID != i.ID { // another has its name by now
				err = ErrNotFound
			}
			return have, rev, err
		},
		Write: func(ctx context.Context, _, next Item, rev uint64) (uint64, error) {
			return revision.Set(ctx, s.cells, i.key(), next, rev)
		},
		Remove: func(ctx context.Context, have Item, rev uint64) error {
			if err := s.unused(ctx, have); err != nil {
				return err
			}
			return s.cells.Delete(ctx, i.key(), rev)
		},
		Gone: ErrNotFound,
	}
}

// Change lets fn change the item, but for its names, and returns the result with its
// revision; see revision.Cell.
func (s *Store) Change(ctx context.Context, i Item, must uint64, fn func(Item) (Item, error)) (Item, uint64, error) {
	return s.cell(i).Change(ctx, must, fn)
}

// Delete removes the item; must is as for Change. It fails with ErrInUse.
func (s *Store) Delete(ctx context.Context, i Item, must uint64) error {
	return s.cell(i).Delete(ctx, must)
}

// Get returns an item of a project ("" for groups) by its name or id, and its
// revision, or ErrNotFound.
func (s *Store) Get(ctx context.Context, kind Kind, project, ref string) (Item, uint64, error) {
	if err := s.view.Refresh(ctx); err != nil {
		return Item{}, 0, err
	}
	e, ok := s.view.Get(keyOf(kind, project, ref))
	if !ok {
		e, ok = s.view.Find(ref)
	}
	if i := e.Value; !ok || i.Kind != kind || i.Project != project {
		return Item{}, 0, ErrNotFound
	}
	return e.Value, e.Revision, nil
}

// FindProject is Get for a project.
func (s *Store) FindProject(ctx context.Context, ref string) (Item, uint64, error) {
	found, rev, err := s.Get(ctx, Project, ref, ref)
	if !errors.Is(err, ErrNotFound) {
		return found, rev, err
	}
	if e, ok := s.view.Find(ref); ok && e.Value.Kind == Project {
		return e.Value, e.Revision, nil
	}
	return Item{}, 0, ErrNotFound
}

// Filter chooses items. What is empty is no condition, but for the kind.
type Filter struct {
	Kind    Kind
	Project string
	Name    string
	Labels  map[string]string
	Fits    func(Item) bool // nil: all do
	After   string          // name of the last one of the page before
	Limit   int
}

// List returns the items that match, by name, and whether there are more than the
// limit.
func (s *Store) List(ctx context.Context, f Filter) (found []Item, more bool, err error) {
	if err := s.view.Refresh(ctx); err != nil {
		return nil, false, err
	}
	found = s.matching(func(i Item) bool {
		return i.Kind == f.Kind && (f.Project == "" || i.Project == f.Project) && (f.Name == "" || i.Name == f.Name) &&
			i.Name > f.After && carries(i.Labels, f.Labels) && (f.Fits == nil || f.Fits(i))
	})
	if f.Limit > 0 && len(found) > f.Limit {
		return found[:f.Limit], true, nil
	}
	return found, false, nil
}

func carries(have, want map[string]string) bool {
	for key, value := range want {
		if had, ok := have[key]; !ok || had != value {
			return false
		}
	}
	return true
}

// matching returns the items that fit, by kind, project and name.
func (s *Store) matching(fits func(Item) bool) []Item {
	var found []Item
	s.view.View(func(all map[string]mirror.Entry[Item]) {
		for _, e := range all {
			if fits(e.Value) {
				found = append(found, e.Value)
			}
		}
	})
	slices.SortFunc(found, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// Refresh brings the copy that answers come from up to date.
func (s *Store) Refresh(ctx context.Context) error { return s.view.Refresh(ctx) }
