// Package knownhosts reads known_hosts as OpenSSH writes it, and says which of its
// keys are a host's: those of the host, those of authorities that certify it, and
// those that are revoked.
package knownhosts

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	markerAuthority = "@cert-authority"
	markerRevoked   = "@revoked"
)

// File is the lines of a known_hosts that say something.
type File struct{ entries []entry }

// entry is one of them.
type entry struct {
	line   int // from 1
	marker string
	hosts  matcher
	key    string // as in authorized_keys, without a comment
}

// LineError says what is wrong with a line.
type LineError struct {
	Line    int // from 1
	Message string
}

// Error implements error.
func (e LineError) Error() string { return fmt.Sprintf("line %d %s", e.Line, e.Message) }

// Parse reads all lines and names every one that it cannot read, up to limit.
func Parse(text string, limit int) (File, []LineError) {
	var (
		f    File
		errs []LineError
	)
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, wrong := parseLine(line)
		if wrong != "" {
			if errs = append(errs, LineError{number, wrong}); len(errs) == limit {
				break
			}
			continue
		}
		e.line = number
		f.entries = append(f.entries, e)
	}
	return f, errs
}

func parseLine(line string) (e entry, wrong string) {
	words := strings.Fields(line)
	if strings.HasPrefix(words[0], "@") {
		e.marker, words = words[0], words[1:]
		if e.marker != markerAuthority && e.marker != markerRevoked {
			return e, "begins with a marker that is neither @cert-authority nor @revoked"
		}
	}
	if len(words) < 3 {
		return e, "must hold host names, the type of a key and the key"
	}
	if e.hosts, wrong = parseHosts(words[0]); wrong != "" {
		return e, wrong
	}
	raw, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil {
		return e, "holds a key that is not in base64"
	}
	key, err := ssh.ParsePublicKey(raw)
	if err != nil {
		return e, "holds no key of a kind that is known"
	}
	if _, certificate := key.(*ssh.Certificate); certificate {
		return e, "holds a certificate; the key of the authority belongs there, after @cert-authority"
	}
	if key.Type() != words[1] {
		return e, "holds a key of another type than it says"
	}
	e.key = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return e, ""
}
