package rule

import (
	"fmt"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxEnvironment bounds names and values of one environment, in bytes: it is
// kept with the deployment, and travels to each host.
const MaxEnvironment = 64 << 10

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	user     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]{0,31}$`)
	unit     = regexp.MustCompile(`^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]{0,254}$`)
	program  = regexp.MustCompile(`^[^\s:\x00-\x1f]{1,63}(:[^\s:\x00-\x1f]{1,63})?$`)
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

// shortestSecret is of how many bytes a secret must be: executors hide no less in what
// commands say, as it stands in harmless texts, too.
const shortestSecret = 4

// Secret is what a secret environment variable may hold.
func Secret(s string) string {
	if len(strings.TrimSpace(s)) < shortestSecret {
		return fmt.Sprintf("must have at least %d bytes, without the white space around it: less cannot be hidden in what commands say", shortestSecret)
	}
	return Value(s)
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

// Unit is the name of a unit of systemd.
func Unit(s string) string {
	if !unit.MatchString(s) {
		return "must be the name of a unit: 1 to 255 letters, digits, ':', '-', '_', '.', '@' and '\\', not beginning with '-'"
	}
	return ""
}

// Program is the name of a program or a group of supervisord, or of a program of a
// group.
func Program(s string) string {
	if !program.MatchString(s) {
		return "must be the name of a program or a group, or group:program, without spaces"
	}
	return ""
}

// Address is where a TCP connection goes to.
func Address(s string) string {
	host, port, err := net.SplitHostPort(s)
	if n, wrong := strconv.Atoi(port); err != nil || wrong != nil || n < 1 || n > 65535 || host == "" || Printable(host, 1, 253) != "" {
		return "must be a host and a port, such as 127.0.0.1:8080"
	}
	return ""
}

// Pattern is what to look for in the arguments of processes.
func Pattern(s string) string { return Printable(s, 1, 255) }

// Pidfile is the path of a file that holds a process id.
func Pidfile(s string) string {
	if path.IsAbs(s) {
		return Printable(s, 2, maxPath)
	}
	return Inside(s)
}

// LogFile is the path of a file on a host, absolute or below an application.
func LogFile(s string) string {
	if path.IsAbs(s) && s != "/" {
		s = s[1:]
	}
	return Inside(s)
}

// TaskName is what a hook or a check is called.
func TaskName(s string) string { return Name(s, 1, 63) }
