package inventory

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	maxHostKeyText = 8192 // bytes
	maxHostKeys    = 16
)

// ParseHostKey reads public keys, one a line, and returns them in their one way
// of writing: no comments, no empty lines. The second result says what is wrong,
// or is "".
func ParseHostKey(text string) (lines, wrong string) {
	if len(text) > maxHostKeyText {
		return "", fmt.Sprintf("must be at most %d bytes long", maxHostKeyText)
	}
	var keys []string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, wrong := parseHostKeyLine(line)
		if wrong != "" {
			return "", fmt.Sprintf("line %d %s", i+1, wrong)
		}
		keys = append(keys, key)
	}
	switch {
	case len(keys) == 0:
		return "", "holds no key"
	case len(keys) > maxHostKeys:
		return "", fmt.Sprintf("must hold at most %d keys", maxHostKeys)
	}
	return strings.Join(keys, "\n"), ""
}

func parseHostKeyLine(line string) (key, wrong string) {
	parsed, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil:
		return "", "is no public key; write it as it stands in /etc/ssh/ssh_host_*_key.pub"
	case len(options) > 0:
		return "", "has something before the key's type; a host name or an option does not belong there"
	case isCertificate(parsed):
		return "", "is a certificate; write the plain public key"
	}
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(parsed))), ""
}

func isCertificate(key ssh.PublicKey) bool {
	_, ok := key.(*ssh.Certificate)
	return ok
}

// Fingerprint returns the fingerprints of stored keys as OpenSSH prints them, a
// line each.
func Fingerprint(lines string) string {
	var prints []string
	for line := range strings.SplitSeq(lines, "\n") {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
			prints = append(prints, ssh.FingerprintSHA256(key))
		}
	}
	return strings.Join(prints, "\n")
}
