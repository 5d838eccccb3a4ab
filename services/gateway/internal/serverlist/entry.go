package serverlist

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// The formats of lists.
const (
	CSV         = "csv"
	YAML        = "yaml"
	AnsibleINI  = "ansible_ini"
	AnsibleYAML = "ansible_yaml"
	SSHConfig   = "ssh_config"
	Rex         = "rex"
	Platform    = "platform"
)

// Formats returns all formats.
func Formats() []string {
	return []string{CSV, YAML, AnsibleINI, AnsibleYAML, SSHConfig, Rex, Platform}
}

// environmentLabel is the label that says which environment a server is of.
const environmentLabel = "environment"

const maxEntries = 10_000

// List is what a list says.
type List struct {
	Entries []Entry
	Notes   []string // what all of it says that servers cannot have, or does not say
}

// Entry is a server that a list names.
type Entry struct {
	Line      int
	Name      string
	Fields    map[string]any    // by the names of those of a server, without name and labels; a credential is for new servers alone
	Labels    map[string]string // nil: it says none
	Groups    bool              // labels of groups are those of the list alone
	ByAddress bool              // where no server has the name, it is the one that has the address
	Number    uint64            // that clients know it by; 0: none
	Skip      string            // why it is none; "": it is one
	Notes     []string          // what it says that a server cannot have
}

// group puts the server into a group, if a label can be called so.
func (e *Entry) group(name string) {
	if rule.LabelKey(takeover.GroupLabel+name) != "" {
		e.Notes = append(e.Notes, fmt.Sprintf("the group %q is not taken over: no label can be called so", name))
		return
	}
	e.Labels[takeover.GroupLabel+name] = "true"
}

// set says a field, unless the text is empty.
func (e *Entry) set(name, text string) {
	if text != "" {
		e.Fields[name] = text
	}
}

// setPort says the port; what is no number is left for others to refuse.
func (e *Entry) setPort(text string) {
	if port, err := strconv.Atoi(text); err == nil {
		e.Fields["port"] = port
		return
	}
	e.set("port", text)
}

// Bad is something in a list that cannot be read.
type Bad = table.Bad

// parsers read the formats. That of platform is another, since it says something of all
// of the list.
var parsers = map[string]func(string) ([]Entry, []Bad){
	CSV: parseCSV, YAML: parseYAML, AnsibleINI: parseINI, AnsibleYAML: parseAnsibleYAML, SSHConfig: parseSSHConfig, Rex: parseRex,
}

// Parse reads a list, and returns what is wrong with it, at most so much of it. Each
// name is that of one server: all others are wrong.
func Parse(format, text string, most int) (List, []Bad) {
	var (
		l   List
		bad []Bad
	)
	text = strings.TrimPrefix(text, "\ufeff")
	if format == Platform {
		l, bad = parsePlatform(text)
	} else {
		l.Entries, bad = parsers[format](text)
	}
	first := map[string]int{}
	for _, e := range l.Entries {
		if line, twice := first[e.Name]; twice && e.Skip == "" {
			bad = append(bad, Bad{Line: e.Line, Field: "name", Message: fmt.Sprintf("%q is named on line %d, too", e.Name, line)})
			continue
		}
		if e.Skip == "" {
			first[e.Name] = e.Line
		}
	}
	if len(l.Entries) > maxEntries {
		bad = append(bad, Bad{Line: l.Entries[maxEntries].Line, Message: fmt.Sprintf("a list may name %d servers", maxEntries)})
	}
	slices.SortStableFunc(bad, func(a, b Bad) int { return a.Line - b.Line })
	return l, bad[:min(len(bad), most)]
}
