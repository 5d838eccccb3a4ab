package contract

import "slices"

// The kinds of application beside an archive, which is told by no runtime at all.
const (
	RuntimeJava     = "java"     // a jar, and a link to it
	RuntimeGolang   = "golang"   // a binary, and a link to it
	RuntimeScript   = "script"   // a script that is run once the release is there
	RuntimeUV       = "uv"       // a Python environment beside the release, made by uv
	RuntimeFallback = "fallback" // the same, made by venv and pip
	RuntimeDocker   = "docker"   // an image, and a container of it
	RuntimeAuto     = "auto"     // the first that a host has: docker, where that is told how; uv, fallback
)

// Runtime is what kind of application it is. Of the options, those of its kind may be
// there.
type Runtime struct {
	Kind   string  `json:"kind"`
	Entry  *Entry  `json:"entry,omitempty"`  // java, golang
	Script *Script `json:"script,omitempty"` // script; never without it
	Python *Python `json:"python,omitempty"` // uv, fallback, auto
	Docker *Docker `json:"docker,omitempty"` // docker, never without it; auto

	Rebuild bool `json:"rebuild,omitempty"` // once in each deployment, what it needs is made anew, without what tools have kept
}

// Entry is the file that is run of a release, and the link in the release by which it has
// the same name in all of them. Paths begin at the release.
type Entry struct {
	Link string `json:"link,omitempty"` // empty: app.jar or app
	File string `json:"file,omitempty"` // empty: the only file, or the only jar, at the top of the release
}

// Script is what the user has run once the release is there. Exactly one of Path and Text
// is there.
type Script struct {
	Path    string `json:"path,omitempty"`       // in the release
	Text    string `json:"text,omitempty"`       // for sh, where its first line names no other
	Timeout int64  `json:"timeout_ms,omitempty"` // 0: what the step has
	// Directory is a path in the release that Work.Link leads to; empty: the release.
	Directory string `json:"directory,omitempty"`
}

// Python is what the environment of a release is made of. Where the release has a lock of
// uv, that says it to uv, and requirements do else.
type Python struct {
	Requirements string `json:"requirements,omitempty"` // path in the release; empty: requirements.txt
	Interpreter  string `json:"interpreter,omitempty"`  // program, or to uv a version; empty: python3, or what uv finds
	UV           string `json:"uv,omitempty"`           // absolute path of uv; empty: in PATH, or below the home where it installs itself
	Index        string `json:"index,omitempty"`        // URL; empty: what the host is set to
	FindLinks    string `json:"find_links,omitempty"`   // directory in the release or, absolute, on the host, or a URL
	Offline      bool   `json:"offline,omitempty"`      // no index is asked
}

// prepares says whether there is something to make on a host before it switches.
func (r *Runtime) prepares() bool {
	return r != nil && slices.Contains([]string{RuntimeJava, RuntimeGolang, RuntimeUV, RuntimeFallback, RuntimeDocker, RuntimeAuto}, r.Kind)
}

// starts says whether it has something run by itself once a host has switched.
func (r *Runtime) starts() bool {
	return r != nil && (r.Kind == RuntimeScript || r.Docker != nil)
}
