package api

import (
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// archive is the kind of application that needs nothing, and that one is which says
// nothing of its kind.
const archive = "archive"

// runtimes are the kinds of application, as they are shown, and which options are for
// each.
var runtimes = []struct {
	kind    string
	options []string
}{
	{archive, nil},
	{contract.RuntimeJava, []string{"entry"}}, {contract.RuntimeGolang, []string{"entry"}},
	{contract.RuntimeScript, []string{"script"}},
	{contract.RuntimeUV, []string{"python"}}, {contract.RuntimeFallback, []string{"python"}},
	{contract.RuntimeDocker, []string{"docker"}},
	{contract.RuntimeAuto, []string{"python", "docker"}},
}

// readRuntime takes what kind of application it is; nil is an archive.
func readRuntime(parent *field.Object) *contract.Runtime {
	o, ok := parent.Object("runtime")
	if !ok {
		return nil
	}
	kind := readKind(o)
	rebuild := readRebuild(o, kind)
	r := contract.Runtime{Kind: kind, Rebuild: rebuild, Entry: readEntry(o), Script: readScript(o, kind), Python: readPython(o), Docker: readDocker(o, kind)}
	o.End()
	if kind == archive || kind == "" {
		return nil
	}
	return &r
}

// readKind takes the kind, and refuses options that are not for it.
func readKind(o *field.Object) string {
	if kind, given := o.Required("kind"); !given || kind == "" {
		return ""
	}
	var all, options []string
	for _, r := range runtimes {
		all, options = append(all, r.kind), append(options, r.options...)
	}
	kind, _ := o.OneOf("kind", all...)
	i := slices.Index(all, kind)
	for _, option := range options {
		if i >= 0 && !slices.Contains(runtimes[i].options, option) {
			o.Refuse(option, "is not for an application of kind "+kind)
		}
	}
	return kind
}

// readRebuild takes whether what it needs is made anew.
func readRebuild(o *field.Object, kind string) bool {
	if !slices.Contains([]string{"", contract.RuntimeUV, contract.RuntimeFallback, contract.RuntimeDocker, contract.RuntimeAuto}, kind) {
		o.Refuse("rebuild", "is not for an application of kind "+kind+": nothing is built for it")
	}
	rebuild, _ := o.Bool("rebuild")
	return rebuild
}

func readEntry(parent *field.Object) *contract.Entry {
	o, ok := parent.Object("entry")
	if !ok {
		return nil
	}
	e := contract.Entry{Link: mayHold(o, "link", rule.FileName), File: mayHold(o, "file", rule.Inside)}
	o.End()
	return &e
}

// readScript takes the script that an application of kind script is.
func readScript(parent *field.Object, kind string) *contract.Script {
	o, ok := parent.Object("script")
	if !ok {
		if kind == contract.RuntimeScript && (!parent.Given("script") || parent.Null("script")) {
			parent.Check("script", "is required for an application of kind script")
		}
		return nil
	}
	oneOf(o, "text", "path")
	s := contract.Script{
		Path: mayHold(o, "path", rule.Inside), Text: mayHold(o, "text", rule.ScriptText), Timeout: readMilliseconds(o, "timeout"),
		Directory: mayHold(o, "directory", rule.Inside),
	}
	o.End()
	return &s
}

func readPython(parent *field.Object) *contract.Python {
	o, ok := parent.Object("python")
	if !ok {
		return nil
	}
	p := contract.Python{
		Requirements: mayHold(o, "requirements", rule.Inside),
		Interpreter:  mayHold(o, "interpreter", rule.Executable),
		UV:           mayHold(o, "uv", rule.Absolute),
		Index:        mayHold(o, "index", rule.CheckURL),
		FindLinks:    mayHold(o, "find_links", findLinks),
	}
	p.Offline, _ = o.Bool("offline")
	o.End()
	return &p
}

// findLinks is where packages of Python lie: on the web, on the host, or in the release.
func findLinks(s string) string {
	switch {
	case strings.Contains(s, "://"):
		return rule.CheckURL(s)
	case strings.HasPrefix(s, "/"):
		return rule.Absolute(s)
	}
	return rule.Inside(s)
}
