package projects

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/rs/xid"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// Entry is an item that a list names.
type Entry struct {
	Line     int
	Name     string
	Labels   map[string]string // those of groups are those of the list alone
	Defaults map[string]any    // fields of a request for a deployment, each as a whole
	Errors   field.Errors      // why it cannot be taken
	Skip     string            // why it is no item; "": it is one
	Notes    []string
}

// Takeover is how a list of items of a project is taken over.
type Takeover struct {
	Kind    Kind
	Project string // name
	Entries []Entry
	Check   func(i Item, found error) error // what is wrong with an item, field.Errors among that; found is what Apply has found
	Seal    seal.PublicKey
	DryRun  bool // nothing is stored
}

// TakeOver has the items be as a list says, and returns what became of each entry, in
// their order. Where one of them cannot be followed, nothing is stored (takeover.ErrEntry).
// What the list does not say of an item that is there stays. Doing it again changes
// nothing more.
func (s *Store) TakeOver(ctx context.Context, t Takeover) ([]takeover.Taken, error) {
	if err := s.view.Refresh(ctx); err != nil {
		return nil, err
	}
	taken := make([]takeover.Taken, len(t.Entries))
	for i, e := range t.Entries {
		var err error
		if taken[i], err = s.plan(t, e); err != nil {
			return nil, err
		}
	}
	switch {
	case t.DryRun:
		return taken, nil
	case slices.ContainsFunc(taken, func(one takeover.Taken) bool { return len(one.Errors) > 0 }):
		return taken, takeover.ErrEntry
	}
	var all errgroup.Group
	all.SetLimit(takeover.AtOnce)
	for i, e := range t.Entries {
		if taken[i].Stores() {
			all.Go(func() error { return s.takeOne(ctx, t, e, &taken[i]) })
		}
	}
	return taken, all.Wait()
}

// plan says what is to become of an entry.
func (s *Store) plan(t Takeover, e Entry) (takeover.Taken, error) {
	one := takeover.Taken{Line: e.Line, Name: e.Name, Outcome: takeover.Created, Errors: e.Errors, Notes: e.Notes}
	if e.Skip != "" {
		one.Outcome, one.Notes = takeover.Skipped, append(one.Notes, e.Skip)
		return one, nil
	}
	have := Item{Kind: t.Kind, Project: t.Project}
	if there, ok := s.view.Get(keyOf(t.Kind, t.Project, e.Name)); ok {
		have, one.ID, one.Outcome = there.Value, there.Value.ID, takeover.Same
	}
	if len(e.Errors) > 0 {
		one.Outcome = takeover.Failed
		return one, nil
	}
	next, err := t.apply(have, e)
	var errs field.Errors
	switch {
	case errors.As(err, &errs):
		one.Errors, one.Outcome = errs, takeover.Failed
		return one, nil
	case err != nil:
		return one, err
	}
	if one.ID != "" {
		if one.Changes = changes(have, next); len(one.Changes) > 0 {
			one.Outcome = takeover.Changed
		}
	}
	return one, nil
}

// apply returns the item as the entry has it.
func (t Takeover) apply(have Item, e Entry) (Item, error) {
	var errs field.Errors
	said := map[string]any{"labels": takeover.PatchLabels(have.Labels, e.Labels, true), "defaults": wholes(have.Defaults, e.Defaults)}
	read := ReadPatch
	if have.ID == "" {
		said["name"], read = e.Name, ReadNew
	}
	document, err := json.Marshal(said)
	if err != nil {
		return have, err
	}
	o, err := field.Parse(document, &errs)
	if err != nil {
		return have, err
	}
	in := read(t.Kind, o, &errs)
	if err := errs.Err(); err != nil {
		return have, err
	}
	next, err := in.Apply(have, t.Seal, time.Now())
	return next, t.Check(next, err)
}

// wholes returns the merge patch after which these fields are as they are said, and
// nothing more: of those that are objects, what they held goes.
func wholes(have map[string]json.RawMessage, said map[string]any) map[string]any {
	patch := map[string]any{}
	for name, value := range said {
		fields, isObject := value.(map[string]any)
		if !isObject {
			patch[name] = value
			continue
		}
		whole := map[string]any{}
		for held := range fieldsOf(have[name]) {
			whole[held] = nil
		}
		maps.Copy(whole, fields)
		patch[name] = whole
	}
	return patch
}

// changes names the labels and the defaults in which two items differ.
func changes(have, next Item) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(next.Defaults)) {
		if !sameJSON(have.Defaults[name], next.Defaults[name]) {
			names = append(names, "defaults."+name)
		}
	}
	return append(names, takeover.ChangedLabels(have.Labels, next.Labels)...)
}

func sameJSON(a, b json.RawMessage) bool {
	var one, other any
	return json.Unmarshal(a, &one) == nil && json.Unmarshal(b, &other) == nil && reflect.DeepEqual(one, other)
}

// takeOne creates or changes the item of an entry.
func (s *Store) takeOne(ctx context.Context, t Takeover, e Entry, one *takeover.Taken) error {
	var (
		i    Item
		err  error
		errs field.Errors
	)
	if one.Outcome == takeover.Created {
		now := time.Now().UTC().Truncate(time.Millisecond)
		if i, err = t.apply(Item{Kind: t.Kind, Project: t.Project, CreatedAt: now}, e); err == nil {
			i.ID = xid.New().String()
			i, _, err = s.Create(ctx, i)
		}
	} else {
		i, _, err = s.Change(ctx, Item{ID: one.ID, Kind: t.Kind, Project: t.Project, Name: e.Name}, 0, func(have Item) (Item, error) {
			next, err := t.apply(have, e)
			if err == nil && len(changes(have, next)) == 0 { // another was first
				return have, nil
			}
			return next, err
		})
	}
	switch {
	case errors.As(err, &errs):
		one.Errors, one.Outcome = errs, takeover.Failed
	case errors.Is(err, ErrNameTaken), errors.Is(err, ErrNotFound):
		one.Fail("name", "somebody else was first: "+err.Error())
	case err == nil:
		one.ID = i.ID
	}
	if one.Outcome == takeover.Failed {
		return nil
	}
	return err
}
