package projects

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Nothing is removed that others refer to. That is looked up in a copy that is up to
// date: of a removal and a new reference at the same moment each may miss the other.
// What comes of that is found when the reference is used: a deployment that refers to
// what is not there is refused.

const maxListed = 5 // items that a message names

// unused fails with ErrInUse where others refer to the item.
func (s *Store) unused(ctx context.Context, i Item) error {
	return s.refuse(ctx, func(other Item) bool { return other.refersTo(i) })
}

// ServerUnused fails with ErrInUse where items name the server.
func (s *Store) ServerUnused(ctx context.Context, id, name string) error {
	return s.refuse(ctx, func(i Item) bool {
		return slices.ContainsFunc(i.servers(), func(ref string) bool { return ref == id || ref == name })
	})
}

func (s *Store) refuse(ctx context.Context, refers func(Item) bool) error {
	if err := s.view.Refresh(ctx); err != nil {
		return err
	}
	var users []string
	for _, i := range s.matching(refers) {
		users = append(users, i.String())
	}
	if len(users) == 0 {
		return nil
	}
	if more := len(users) - maxListed; more > 0 {
		users = append(users[:maxListed], fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w: %s", ErrInUse, strings.Join(users, ", "))
}

// refersTo says whether the item would miss the other one.
func (i Item) refersTo(other Item) bool {
	switch other.Kind {
	case Project:
		return i.Kind != Project && i.Project == other.Name
	case Group:
		return i.Text("group") == other.Name || i.Text("group") == other.ID
	case Stage, Application:
		ref := i.Text(string(other.Kind))
		return i.Project == other.Project && (ref == other.Name || ref == other.ID)
	default:
		return false
	}
}
