// Package rule says what names, versions and paths may look like. Each rule
// returns what is wrong with a value, in words for its sender, or "" where
// nothing is. openapi.yaml states the same rules.
package rule

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	application = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	version     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
	labelKey    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$`)
	sha256      = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

const maxPath = 1024 // characters

// Application is the name of an application: a part of a path on hosts.
func Application(s string) string {
	if !application.MatchString(s) {
		return "must be 1 to 63 lower-case letters, digits, '.', '_' and '-', and begin with a letter or a digit"
	}
	return ""
}

// Project is the name of a project, which follows the rule for applications.
func Project(s string) string { return Application(s) }

// Version is the version of a package: the name of a directory on hosts.
func Version(s string) string {
	if !version.MatchString(s) {
		return "must be 1 to 128 letters, digits, '.', '_', '+' and '-', and begin with a letter or a digit"
	}
	return ""
}

// LabelKey is the key of a label.
func LabelKey(s string) string {
	if !labelKey.MatchString(s) {
		return "must be 1 to 63 letters, digits, '.', '_', '/' and '-', with a letter or a digit at both ends"
	}
	return ""
}

// SHA256 is a digest in hexadecimal digits.
func SHA256(s string) string {
	if !sha256.MatchString(s) {
		return "must be 64 hexadecimal digits"
	}
	return ""
}

// Filename is the name of a file without a path.
func Filename(s string) string {
	switch {
	case s == "" || len(s) > 255:
		return "must be 1 to 255 bytes long"
	case strings.ContainsAny(s, `/\`) || s == "." || s == "..":
		return "must be a name without a path"
	case strings.HasPrefix(s, "-"):
		return "must not begin with '-'"
	}
	return Printable(s, 1, 255)
}

// DefaultPath is where an application lies on a host unless it is said.
func DefaultPath(application string) string { return "apps/" + application }

// Path is where an application lies on a host, absolute or relative to the home
// of the login user.
func Path(s string) string {
	if wrong := Printable(s, 1, maxPath); wrong != "" {
		return wrong
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == ".." {
			return "must not contain '..'"
		}
		if len(part) > 255 {
			return "must not have a part longer than 255 bytes"
		}
	}
	switch clean := path.Clean(s); {
	case strings.HasPrefix(s, "-"):
		return "must not begin with '-'"
	case strings.HasPrefix(s, "~"):
		return "must not begin with '~': a relative path begins at the home of the user already"
	case clean == "/" || clean == ".":
		return "must not be the root or the home directory itself"
	}
	return ""
}

// CleanPath is the one way to write a path that Path has nothing against.
func CleanPath(s string) string { return path.Clean(s) }

// Printable says that a text is not of so many characters, or that it holds
// some that cannot be seen. The only space is the plain one.
func Printable(s string, shortest, longest int) string {
	if n := utf8.RuneCountInString(s); n < shortest || n > longest {
		return fmt.Sprintf("must be %d to %d characters long", shortest, longest)
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return "must hold printable characters alone: no line breaks, tabs or other control characters"
		}
	}
	return ""
}

// Name is Printable without spaces at either end.
func Name(s string, shortest, longest int) string {
	if wrong := Printable(s, shortest, longest); wrong != "" {
		return wrong
	}
	if strings.TrimSpace(s) != s {
		return "must not begin or end with a space"
	}
	return ""
}
