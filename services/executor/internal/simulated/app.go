package simulated

import (
	"slices"

	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// app is what lies below one application path.
type app struct {
	current  string
	releases map[string]string // digest by version
	manifest map[string]string // its sha256 by version
	staged   []string          // versions, in the order in which they came
	switched []string          // versions, in the order of their last switch
	before   map[string]string // version that ran when this one was last switched to
	left     map[string]string // version that a deployment's switch left, by deployment
}

func (a *app) probe(version, digest string) (hostcmd.Output, error) {
	out := output{}
	if a.current != "" {
		out.say(hostcmd.KeyCurrent, a.current)
	}
	switch a.releases[version] {
	case digest:
		out.say(hostcmd.KeyStaged, "yes")
	case "":
		out.say(hostcmd.KeyStaged, "no")
		if base := a.base(); base != "" {
			out.say(hostcmd.KeyBase, base+" "+a.manifest[base])
		}
	default:
		return out.Output, hostcmd.ErrConflict
	}
	return out.Output, nil
}

// base is the release that another may share files with.
func (a *app) base() string {
	if a.current != "" || len(a.staged) == 0 {
		return a.current
	}
	return a.staged[len(a.staged)-1]
}

func (a *app) stage(version, digest, manifest string) (hostcmd.Output, error) {
	out := output{}
	switch a.releases[version] {
	case digest:
	case "":
		for _, step := range []string{"transfer", "verify", "unpack"} {
			out.say(hostcmd.KeyStep, step)
		}
		a.releases[version], a.manifest[version] = digest, manifest
		a.staged = append(a.staged, version)
	default:
		return out.Output, hostcmd.ErrConflict
	}
	out.say(hostcmd.KeyStaged, "yes")
	return out.Output, nil
}

func (a *app) activate(version, digest, deployment string) (hostcmd.Output, error) {
	out := output{}
	switch a.releases[version] {
	case digest:
	case "":
		return out.Output, hostcmd.ErrIncomplete
	default:
		return out.Output, hostcmd.ErrConflict
	}
	if a.current != version {
		a.left[deployment], a.before[version] = a.current, a.current
		a.current = version
	}
	a.switched = append(slices.DeleteFunc(a.switched, func(v string) bool { return v == version }), version)
	if left, moved := a.left[deployment]; moved {
		out.say(hostcmd.KeyPrevious, left)
	}
	out.say(hostcmd.KeyCurrent, version)
	return out.Output, nil
}

func (a *app) clean(keep int) hostcmd.Output {
	out := output{}
	kept := slices.Concat([]string{a.current, a.before[a.current]}, a.switched[max(0, len(a.switched)-keep):])
	for _, version := range a.versions() {
		if !slices.Contains(kept, version) {
			delete(a.releases, version)
			a.staged = slices.DeleteFunc(a.staged, func(v string) bool { return v == version })
			a.switched = slices.DeleteFunc(a.switched, func(v string) bool { return v == version })
			out.say(hostcmd.KeyRemoved, version)
		}
	}
	return out.Output
}

func (a *app) inspect() hostcmd.Output {
	out := output{}
	if a.current == "" {
		out.say(hostcmd.KeyState, hostcmd.StateNone)
	} else {
		out.say(hostcmd.KeyCurrent, a.current)
		out.say(hostcmd.KeyState, hostcmd.StateComplete)
		if before := a.before[a.current]; before != "" {
			out.say(hostcmd.KeyPrevious, before)
		}
	}
	for _, version := range a.versions() {
		out.say(hostcmd.KeyRelease, version+" "+a.releases[version])
	}
	return out.Output
}

// versions are those that lie here, in the order of the host's file names.
func (a *app) versions() []string {
	var all []string
	for version := range a.releases {
		all = append(all, version)
	}
	slices.Sort(all)
	return all
}

// output is what a host says.
type output struct{ hostcmd.Output }

func (o *output) say(key, value string) {
	o.Results = append(o.Results, hostcmd.Result{Key: key, Value: value})
}
