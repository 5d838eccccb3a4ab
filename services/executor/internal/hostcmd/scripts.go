package hostcmd

import (
	"embed"
	"slices"
	"strings"
)

//go:embed scripts/*.sh
var files embed.FS

// session is a script that does steps as it is asked for them, with what these
// build on.
type session struct {
	name   string
	steps  []string
	script string
}

// sessions are those that there are. Each holds the steps of one kind of job, so
// that little is sent to a host that is never asked for.
var sessions = []session{
	newSession("deploy", []string{"content", "write", "drift", "since", "vacant", "receive", "patch", "link", "verify"},
		"probe", "stage", "share", "switch", "prove", "clean"),
	newSession("rollback", []string{"write", "drift", "decide"}, "look", "share", "rollback", "clean"),
	newSession("command", []string{"content"}, "claim", "perform"),
	newSession("prepare", []string{"content"}, "prepare", "publish"),
	newSession("container", []string{"content", "write", "docker", "container"}, "replace", "settle", "bring_back", "sweep"),
	newSession("init", []string{"content"}, "install", "restore"),
}

// alone are the scripts of steps that need no session; the others run as the user does,
// with an environment of the user's.
var (
	alone = map[string]string{
		"inspect":  join("tools", "prelude", "releases", "drift", "inspect"),
		"manifest": join("tools", "prelude", "releases", "manifest"),
		"tail":     join("tools", "prelude", "releases", "tail"),
	}
	taskScript  = strings.TrimSuffix(wire("task"), "\n")
	aliveScript = strings.TrimSuffix(wire("alive"), "\n")
)

func newSession(name string, base []string, steps ...string) session {
	var script strings.Builder
	script.WriteString(join("tools", "prelude", "fence", "releases") + join(base...))
	for _, step := range steps {
		script.WriteString("step_" + step + "() {\n" + wire(step) + "}\n")
	}
	script.WriteString(wire("session"))
	return session{name: name, steps: steps, script: script.String()}
}

// sessionOf returns the first session that has this step.
func sessionOf(step string) session {
	i := slices.IndexFunc(sessions, func(s session) bool { return slices.Contains(s.steps, step) })
	return sessions[i]
}

func join(names ...string) string {
	var script strings.Builder
	for _, name := range names {
		script.WriteString(wire(name))
	}
	return script.String()
}

// wire is a file as it goes over the wire: without comments, indentation and
// empty lines. No file holds a string over several lines whose form would
// matter.
func wire(name string) string {
	content, err := files.ReadFile("scripts/" + name + ".sh")
	if err != nil {
		panic(err) // a name above is wrong; no build of this package runs
	}
	var out strings.Builder
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}
