package rule

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxScript bounds a script that comes with a request, in bytes: it is kept with the
// deployment, and travels to each host beside the environment.
const maxScript = 24 << 10

// FileName is the name of a file at the top of a release.
func FileName(s string) string {
	if strings.Contains(s, "/") {
		return "must be a name, without '/'"
	}
	return Inside(s)
}

// ours are the names below an application that are not for links of the user.
var ours = []string{"current", "releases", "shared", ".slipway"}

// Link is where a link of an application is: a name below the application, or an
// absolute path.
func Link(s string) string {
	switch {
	case path.IsAbs(s) && s != "/":
		return Inside(s[1:])
	case slices.Contains(ours, s):
		return "is a name of Slipway's own below an application"
	}
	return FileName(s)
}

// ScriptText is a script, as it is in a file.
func ScriptText(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "must not be empty"
	case len(s) > maxScript:
		return fmt.Sprintf("must be at most %d KiB", maxScript>>10)
	}
	return Value(s)
}

// Executable is a program by its name or its absolute path, or a version of it.
func Executable(s string) string {
	if path.IsAbs(s) {
		return Absolute(s)
	}
	return FileName(s)
}

// Absolute is an absolute path on a host.
func Absolute(s string) string {
	if !path.IsAbs(s) || s == "/" {
		return "must be an absolute path"
	}
	return Printable(s, 2, maxPath)
}
