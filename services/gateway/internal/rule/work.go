package rule

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxEnvironment bounds names and values of one environment, in bytes: it is
// kept with the deployment, and travels to each host.
const MaxEnvironment = 64 << 10

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	user     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]{0,31}$`)
	// taken is what shells allow nobody to set, or do not take from outside.
	taken = []string{"_", "BASHOPTS", "BASH_VERSINFO", "EUID", "IFS", "PPID", "PWD", "OLDPWD", "SHELLOPTS", "UID"}
)

// Variable is the name of an environment variable.
func Variable(s string) string {
	switch {
	case !variable.MatchString(s):
		return "must be 1 to 128 letters, digits and '_', and not begin with a digit"
	case strings.HasPrefix(strings.ToUpper(s), "SLIPWAY_"):
		return "must not begin with SLIPWAY_, as what Slipway itself tells does"
	case slices.Contains(taken, s):
		return "is a name that shells keep to themselves"
	}
	return ""
}

// Value is what an environment variable may hold: any text.
func Value(s string) string {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return "must not hold a NUL"
	}
	return ""
}

// User is the name of a user on a host.
func User(s string) string {
	if !user.MatchString(s) {
		return "must be the name of a user: 1 to 32 letters, digits, '.', '_' and '-', beginning with a letter or '_'"
	}
	return ""
}

// Inside is a path below a directory that is not written here.
func Inside(s string) string {
	switch {
	case path.IsAbs(s):
		return "must be a relative path: it begins at the release"
	case s != "" && path.Clean(s) != s:
		return fmt.Sprintf("must be written as %q", path.Clean(s))
	}
	return Path(s)
}

// TaskName is what a hook or a check is called.
func TaskName(s string) string { return Name(s, 1, 63) }
