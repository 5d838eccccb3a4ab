package hostcmd

import (
	"embed"
	"strings"
)

//go:embed scripts/*.sh
var files embed.FS

// The scripts, each with what it builds on.
var (
	probeScript    = script("prelude", "fence", "releases", "write", "vacant", "probe")
	stageScript    = script("prelude", "fence", "releases", "write", "vacant", "receive", "patch", "link", "verify", "stage")
	manifestScript = script("prelude", "releases", "manifest")
	switchScript   = script("prelude", "fence", "releases", "write", "drift", "switch")
	shareScript    = script("prelude", "fence", "releases", "write", "share")
	proveScript    = script("prelude", "fence", "releases", "write", "prove")
	rollbackScript = script("prelude", "fence", "releases", "write", "drift", "rollback")
	cleanScript    = script("prelude", "fence", "releases", "write", "clean")
	claimScript    = script("prelude", "fence", "claim")
	performScript  = script("prelude", "fence", "releases", "perform")
	taskScript     = script("task")
	aliveScript    = script("alive")
	tailScript     = script("prelude", "releases", "tail")
	inspectScript  = script("prelude", "releases", "drift", "inspect")
)

// script joins files to the text that goes over the wire: without comments,
// indentation and empty lines. No file holds a string over several lines whose
// form would matter.
func script(names ...string) string {
	var text strings.Builder
	for _, name := range names {
		content, err := files.ReadFile("scripts/" + name + ".sh")
		if err != nil {
			panic(err) // a name above is wrong; no build of this package runs
		}
		for line := range strings.Lines(string(content)) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") {
				text.WriteString(line + "\n")
			}
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}
