package retention

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Policy says which deployments of a project stay. The zero Policy keeps them all.
type Policy struct {
	MaxAge   time.Duration // since the end; 0: any
	MaxCount int           // of deployments, the newest first; 0: any
}

// KeepsAll says whether the policy lets nothing go.
func (p Policy) KeepsAll() bool { return p == Policy{} }

// Policies are those of all projects.
type Policies struct {
	Others   Policy            // of projects that are not named, and of deployments without one
	Projects map[string]Policy // by name
}

// Of is the policy of a project.
func (p Policies) Of(project string) Policy {
	if named, ok := p.Projects[project]; ok {
		return named
	}
	return p.Others
}

// KeepAll says whether no policy lets anything go.
func (p Policies) KeepAll() bool {
	for _, one := range p.Projects {
		if !one.KeepsAll() {
			return false
		}
	}
	return p.Others.KeepsAll()
}

// ParseProjects reads policies as they are configured: "shop max_age=2160h max_count=500",
// or "audit keep". It fails with ErrPolicy.
func ParseProjects(lines []string) (map[string]Policy, error) {
	all := map[string]Policy{}
	for _, text := range lines {
		words := strings.Fields(text)
		if len(words) < 2 {
			return nil, fmt.Errorf(`%w: %q: write "PROJECT max_age=2160h", "PROJECT max_count=500", both, or "PROJECT keep"`, ErrPolicy, text)
		}
		name := words[0]
		if _, twice := all[name]; twice || strings.Contains(name, "=") {
			return nil, fmt.Errorf("%w: %q: the first word names a project, each once", ErrPolicy, text)
		}
		p, err := parse(words[1:])
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrPolicy, text, err)
		}
		all[name] = p
	}
	return all, nil
}

func parse(words []string) (Policy, error) {
	var p Policy
	if len(words) == 1 && words[0] == "keep" {
		return p, nil
	}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "max_age":
			p.MaxAge, err = time.ParseDuration(value)
		case "max_count":
			p.MaxCount, err = strconv.Atoi(value)
		default:
			return p, fmt.Errorf("%q is none of max_age, max_count and keep", name)
		}
		if err != nil {
			return p, fmt.Errorf("%s: %q is neither a duration such as 2160h nor a number", name, value)
		}
	}
	if p.KeepsAll() {
		return p, fmt.Errorf("0 keeps all, which is said by keep")
	}
	return p, p.Check()
}

// Check says what is wrong with a policy.
func (p Policy) Check() error {
	if p.MaxAge < 0 || p.MaxAge > 0 && p.MaxAge < Settled {
		return fmt.Errorf("max_age must be at least %v", Settled)
	}
	if p.MaxCount < 0 {
		return fmt.Errorf("max_count must not be negative")
	}
	return nil
}

// exceeded says why the policy lets a deployment go that is the nth of its project, from
// the newest on; "" where it does not.
func (p Policy) exceeded(ended time.Time, nth int, now time.Time) string {
	switch {
	case p.MaxAge > 0 && now.Sub(ended) > p.MaxAge:
		return fmt.Sprintf("it ended more than %v ago", p.MaxAge)
	case p.MaxCount > 0 && nth > p.MaxCount:
		return fmt.Sprintf("%d are newer", nth-1)
	}
	return ""
}
