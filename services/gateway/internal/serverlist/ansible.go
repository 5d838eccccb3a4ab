package serverlist

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// value is a variable, and where it is set.
type value struct {
	text string
	line int
}

// group is a group of an inventory.
type group struct {
	vars     map[string]value
	hosts    []string
	children []string
	line     int
}

// ansible is an inventory of Ansible while it is read.
type ansible struct {
	groups map[string]*group
	hosts  map[string]*group // by name; of a group, the variables and the line alone
	order  []string          // of the hosts
	bad    []Bad
}

const (
	maxGroups = 1000
	maxLinks  = 10_000 // of groups to groups
	maxAbove  = 100    // groups that one is in; a server has no place for more
)

// The groups that there always are.
const (
	allHosts  = "all"
	ungrouped = "ungrouped"
)

func newAnsible() *ansible {
	return &ansible{groups: map[string]*group{}, hosts: map[string]*group{}}
}

func (a *ansible) wrong(line int, field, format string, args ...any) {
	a.bad = append(a.bad, Bad{Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// group returns the group of this name, which there is from then on.
func (a *ansible) group(name string, line int) *group {
	if a.groups[name] == nil {
		a.groups[name] = &group{vars: map[string]value{}, line: line}
	}
	return a.groups[name]
}

// addHosts adds the hosts of a pattern to a group, with their own variables.
func (a *ansible) addHosts(to *group, pattern string, line int, vars map[string]value) {
	names, wrong := expand(pattern)
	if wrong != "" {
		a.wrong(line, "", "%q %s", pattern, wrong)
		return
	}
	for _, name := range names {
		h := a.hosts[name]
		if h == nil {
			if len(a.order) > maxEntries { // what is too many is told by then
				return
			}
			h = &group{vars: map[string]value{}, line: line}
			a.hosts[name] = h
			a.order = append(a.order, name)
		}
		maps.Copy(h.vars, vars)
		to.hosts = append(to.hosts, name)
	}
}

// entries says which servers the hosts are.
func (a *ansible) entries() ([]Entry, []Bad) {
	levels, ok := a.levels()
	if !ok {
		return nil, a.bad
	}
	of := a.membership()
	var entries []Entry
	for _, name := range a.order {
		groups := slices.SortedFunc(maps.Keys(of[name]), func(x, y string) int {
			return cmp.Or(cmp.Compare(levels[x], levels[y]), cmp.Compare(x, y))
		})
		vars := map[string]value{}
		if all := a.groups[allHosts]; all != nil {
			maps.Copy(vars, all.vars)
		}
		e := Entry{Line: a.hosts[name].line, Name: name, Fields: map[string]any{}, Labels: map[string]string{}, Groups: true}
		for _, g := range groups { // the nearer a group is, the later
			maps.Copy(vars, a.groups[g].vars)
			if g != allHosts && g != ungrouped {
				e.Labels[takeover.GroupLabel+g] = "true"
			}
		}
		maps.Copy(vars, a.hosts[name].vars)
		a.connect(&e, vars)
		entries = append(entries, e)
	}
	return entries, a.bad
}

// levels is how deep each group is below others. It fails where that has no end, or
// there are too many.
func (a *ansible) levels() (levels map[string]int, ok bool) {
	levels = map[string]int{}
	parents, links := map[string]int{}, 0
	for _, g := range a.groups {
		links += len(g.children)
		for _, child := range g.children {
			parents[child]++
		}
	}
	if len(a.groups) > maxGroups || links > maxLinks {
		a.wrong(1, "", "has more than %d groups, or more than %d children of groups", maxGroups, maxLinks)
		return nil, false
	}
	var ready []string
	for name := range a.groups {
		if parents[name] == 0 {
			ready = append(ready, name)
		}
	}
	for ; len(ready) > 0; ready = ready[1:] {
		for _, child := range a.groups[ready[0]].children {
			levels[child] = max(levels[child], levels[ready[0]]+1)
			if parents[child]--; parents[child] == 0 {
				ready = append(ready, child)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.groups)) {
		if parents[name] > 0 {
			a.wrong(a.groups[name].line, "children", "the group %q is below itself, or below one that is", name)
			return nil, false
		}
	}
	return levels, true
}

// membership returns the groups of each host, those above among them.
func (a *ansible) membership() map[string]map[string]bool {
	above := map[string][]string{}
	for name, g := range a.groups {
		for _, child := range g.children {
			above[child] = append(above[child], name)
		}
	}
	of := map[string]map[string]bool{}
	for name, g := range a.groups {
		up := map[string]bool{name: true}
		for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
			for _, parent := range above[todo[0]] {
				if !up[parent] && len(up) < maxAbove {
					up[parent] = true
					todo = append(todo, parent)
				}
			}
		}
		for _, host := range g.hosts {
			if of[host] == nil {
				of[host] = map[string]bool{}
			}
			maps.Copy(of[host], up)
		}
	}
	return of
}

// secretVars are variables of Ansible that prove who one is.
var secretVars = []string{
	"ansible_password", "ansible_ssh_pass", "ansible_ssh_password", "ansible_ssh_private_key_file", "ansible_private_key_file", "ansible_ssh_private_key",
}

// connect says how the host is reached, by the variables that Ansible has for that.
// All others are none of Slipway's.
func (a *ansible) connect(e *Entry, vars map[string]value) {
	said := func(names ...string) string {
		for _, name := range names {
			v, ok := vars[name]
			if !ok {
				continue
			}
			if strings.Contains(v.text, "{{") || strings.Contains(v.text, "{%") {
				a.wrong(v.line, name, "of %q is a template, which Ansible alone fills in", e.Name)
				return ""
			}
			return v.text
		}
		return ""
	}
	if how := said("ansible_connection"); how != "" && !slices.Contains([]string{"ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"}, how) {
		e.Skip = "ansible_connection is " + how + ", not ssh"
		return
	}
	e.Fields["address"] = cmp.Or(said("ansible_host", "ansible_ssh_host"), e.Name)
	if port := said("ansible_port", "ansible_ssh_port"); port != "" {
		e.setPort(port)
	}
	e.set("user", said("ansible_user", "ansible_ssh_user"))
	jump, note := jumpOf(said("ansible_ssh_common_args") + " " + said("ansible_ssh_extra_args"))
	if jump != e.Name { // the variables of all are those of the jump host, too
		e.set("jump_host", jump)
	}
	if note != "" {
		e.Notes = append(e.Notes, note)
	}
	for _, name := range secretVars {
		if _, given := vars[name]; given {
			e.Notes = append(e.Notes, name+" is not taken over: a credential is given with the list, or to the server")
		}
	}
}

var (
	proxyJump    = regexp.MustCompile(`(?i)(?:-J\s*|-o\s*["']?ProxyJump[= ]\s*["']?)([^\s"']+)`)
	proxyCommand = regexp.MustCompile(`(?i)ProxyCommand`)
)

// jumpOf finds the jump host in arguments of ssh.
func jumpOf(args string) (jump, note string) {
	if m := proxyJump.FindStringSubmatch(args); m != nil {
		return jumpName(m[1])
	}
	if proxyCommand.MatchString(args) {
		return "", "a ProxyCommand is not taken over: name a jump_host"
	}
	return "", ""
}

// jumpName is the server that a ProxyJump names. How it is logged in to is said by
// that server itself.
func jumpName(jump string) (name, note string) {
	if strings.EqualFold(jump, "none") {
		return "", ""
	}
	if strings.Contains(jump, ",") {
		return "", "a ProxyJump of several hosts is not taken over: give each of them its own"
	}
	name = strings.TrimPrefix(jump, "ssh://")
	if _, host, hasUser := strings.Cut(name, "@"); hasUser {
		name = host
	}
	if host, port, hasPort := strings.Cut(name, ":"); hasPort && !strings.Contains(port, ":") {
		name = host
	}
	if name != jump {
		note = "of ProxyJump, the name of the host is taken alone"
	}
	return name, note
}
