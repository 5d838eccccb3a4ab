package access

import (
	"fmt"
	"slices"
	"strings"
)

// All stands for all projects, and for what belongs to none.
const All = ""

// Grant is a role that somebody has in a project, or over All.
type Grant struct {
	Role    Role   `json:"role"`
	Project string `json:"project,omitempty"`
}

// String is the grant as ParseGrant reads it: role, or role:project.
func (g Grant) String() string {
	if g.Project == All {
		return string(g.Role)
	}
	return string(g.Role) + ":" + g.Project
}

// ParseGrant reads a role, or a role:project. It fails with ErrGrant; whether the
// project may be called so is not looked at.
func ParseGrant(text string) (Grant, error) {
	role, project, limited := strings.Cut(text, ":")
	g := Grant{Role: Role(role), Project: project}
	if !g.Role.Known() || limited && project == All {
		return Grant{}, fmt.Errorf("%w: %q", ErrGrant, text)
	}
	return g, nil
}

// Grants is all that somebody has.
type Grants []Grant

// Allow says whether the permission is had for what belongs to the project; for All,
// whether it is had over all. Of a permission that reaches Anywhere, the project does
// not matter.
func (g Grants) Allow(p Permission, project string) bool {
	if p == SelfRead {
		return true
	}
	return slices.ContainsFunc(g, func(one Grant) bool {
		if !one.Role.has(p) {
			return false
		}
		switch p.Reach() {
		case Anywhere:
			return true
		case PerProject:
			return one.Project == All || one.Project == project
		default:
			return one.Project == All
		}
	})
}

// AllowEach is Allow for something that belongs to all of these projects; to none of
// them where there are none, so that it takes the permission over all.
func (g Grants) AllowEach(p Permission, projects []string) bool {
	if len(projects) == 0 {
		return g.Allow(p, All)
	}
	return !slices.ContainsFunc(projects, func(project string) bool { return !g.Allow(p, project) })
}

// Somewhere says whether the permission is had in any project, or over all: whether
// it is worth looking at what a request is about.
func (g Grants) Somewhere(p Permission) bool {
	if p.Reach() != PerProject {
		return g.Allow(p, All)
	}
	return slices.ContainsFunc(g, func(one Grant) bool { return one.Role.has(p) })
}

// Projects returns where the permission is had, in order, where it is not had over
// all.
func (g Grants) Projects(p Permission) []string {
	var projects []string
	for _, one := range g {
		if one.Project != All && one.Role.has(p) {
			projects = append(projects, one.Project)
		}
	}
	slices.Sort(projects)
	return slices.Compact(projects)
}

// Of returns the projects of the grants themselves, All among them.
func (g Grants) Of() []string {
	projects := make([]string, len(g))
	for i, one := range g {
		projects[i] = one.Project
	}
	return projects
}
