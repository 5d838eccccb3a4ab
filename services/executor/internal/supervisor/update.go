package supervisor

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Update has supervisord read its configuration anew, and add, change and remove these
// groups as it says; a program in no group is one of its own. Others are left as they
// are, whatever their files say by now. A group that is new or changed is started where
// its configuration says so, and not waited for. It fails with ErrInvalid and
// ErrRefused. Repeated, it does what is left to be done.
func (s Supervisor) Update(ctx context.Context, groups []string) (changed []string, err error) {
	v, err := s.call(ctx, "supervisor.reloadConfig")
	if err != nil {
		var f fault
		if errors.As(err, &f) {
			err = errors.Join(ErrInvalid, f)
		}
		return nil, err
	}
	added, altered, removed := named(v, 0, groups), named(v, 1, groups), named(v, 2, groups)
	for _, group := range slices.Concat(removed, altered) {
		if err := s.drop(ctx, group); err != nil {
			return changed, err
		}
		changed = append(changed, group)
	}
	for _, group := range slices.Concat(altered, added) {
		if _, err := s.call(ctx, "supervisor.addProcessGroup", group); err != nil {
			return changed, explain("add", group, err)
		}
	}
	return append(changed, added...), nil
}

// drop stops a group and has supervisord forget it.
func (s Supervisor) drop(ctx context.Context, group string) error {
	if _, err := s.call(ctx, "supervisor.stopProcessGroup", group, true); err != nil {
		return explain("stop", group, err)
	}
	_, err := s.call(ctx, "supervisor.removeProcessGroup", group)
	return explain("remove", group, err)
}

// named returns those of these groups that are in a list of the answer to reloadConfig,
// which is [[added, changed, removed]].
func named(v value, list int, groups []string) []string {
	if len(v.Array) != 1 || len(v.Array[0].Array) <= list {
		return nil
	}
	var found []string
	for _, group := range v.Array[0].Array[list].Array {
		if slices.Contains(groups, group.text()) {
			found = append(found, group.text())
		}
	}
	return found
}

// Groups returns the groups that sections of a configuration may make, by the lines of
// it, or those of its heads alone.
func Groups(lines []string) []string {
	var groups []string
	for _, line := range lines {
		head, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "["), "]")
		kind, name, named := strings.Cut(head, ":")
		if ok && named && slices.Contains([]string{"program", "fcgi-program", "eventlistener", "group"}, kind) {
			groups = append(groups, strings.TrimSpace(name))
		}
	}
	return groups
}
