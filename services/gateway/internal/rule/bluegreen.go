package rule

import (
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxCommand = 4096 // bytes
	maxSocket  = 107  // bytes, as Linux has it
)

var haproxyName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,128}$`)

// HAProxyName is the name of a backend, or of a server of it.
func HAProxyName(s string) string {
	if !haproxyName.MatchString(s) {
		return "must be 1 to 128 letters, digits, '.', '_', ':' and '-', as HAProxy has names"
	}
	return ""
}

// Socket is where a UNIX socket is on a host.
func Socket(s string) string {
	if wrong := Printable(s, 1, maxSocket); wrong != "" {
		return wrong
	}
	if !path.IsAbs(s) || len(s) > maxSocket {
		return "must be an absolute path of at most 107 bytes"
	}
	return ""
}

// Command is what sh is to run on a host.
func Command(s string) string {
	switch {
	case strings.TrimSpace(s) == "" || len(s) > maxCommand:
		return "must be 1 to 4096 bytes long, and not blank"
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "must not hold a NUL"
	}
	return ""
}
