package ssh

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	gossh "golang.org/x/crypto/ssh"
)

// hostKeyCheck decides whether the key that a host offers is the host's.
type hostKeyCheck struct {
	firstContact bool

	mu       sync.Mutex // the check runs again, in another goroutine, each time that keys are exchanged anew
	expected []gossh.PublicKey
	offered  gossh.PublicKey
	failure  error
}

func newHostKeyCheck(t Target) (*hostKeyCheck, error) {
	keys, err := parseHostKeys(t.HostKey)
	if err != nil {
		return nil, err
	}
	return &hostKeyCheck{expected: keys, firstContact: t.FirstContact}, nil
}

// parseHostKeys reads keys from lines of authorized_keys or known_hosts. Blank lines and comments are skipped.
func parseHostKeys(text string) ([]gossh.PublicKey, error) {
	var keys []gossh.PublicKey
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		// A marker gives the key another meaning, "@revoked" even the opposite one.
		if strings.HasPrefix(line, "@") {
			return nil, fmt.Errorf("%w: stored host key, line %d: markers are not supported", ErrBadKey, number)
		}
		// What stands before the type in known_hosts, host names, is where authorized_keys has options.
		key, _, _, _, err := gossh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("%w: stored host key, line %d: not a public key", ErrBadKey, number)
		}
		if _, isCertificate := key.(*gossh.Certificate); isCertificate {
			return nil, fmt.Errorf("%w: stored host key, line %d: certificates are not supported", ErrBadKey, number)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// verify is a gossh.HostKeyCallback.
func (c *hostKeyCheck) verify(_ string, _ net.Addr, key gossh.PublicKey) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offered = key
	if len(c.expected) == 0 && c.firstContact {
		c.expected = []gossh.PublicKey{key} // from now on it is this one
	}
	c.failure = compare(c.expected, key)
	return c.failure
}

func compare(expected []gossh.PublicKey, offered gossh.PublicKey) error {
	if len(expected) == 0 {
		return fmt.Errorf("%w: none is stored, the host offers %s", ErrHostKeyUnknown, fingerprint(offered))
	}
	var stored []string
	for _, key := range expected {
		if bytes.Equal(key.Marshal(), offered.Marshal()) {
			return nil
		}
		stored = append(stored, fingerprint(key))
	}
	return fmt.Errorf("%w: stored is %s, the host offers %s",
		ErrHostKeyChanged, strings.Join(stored, " or "), fingerprint(offered))
}

// fingerprint is e.g. "SHA256:… (ssh-ed25519)".
func fingerprint(key gossh.PublicKey) string {
	return gossh.FingerprintSHA256(key) + " (" + key.Type() + ")"
}

func (c *hostKeyCheck) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// line is the offered key as a line of authorized_keys, without a newline.
func (c *hostKeyCheck) line() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(string(gossh.MarshalAuthorizedKey(c.offered)))
}

// algorithms lists what to ask the host for: first the types of the expected keys, so that a host with several keys
// offers one that we know. The others follow, for a host that no longer has a key of such a type: it then offers
// another, and the error can show it, where nothing in common would be left otherwise.
func (c *hostKeyCheck) algorithms() []string {
	var algorithms []string
	for _, key := range c.expected {
		if key.Type() == gossh.KeyAlgoRSA { // the type of the key; signatures with SHA-1, of the same name, are not taken
			algorithms = append(algorithms, gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256)
		} else {
			algorithms = append(algorithms, key.Type())
		}
	}
	algorithms = append(algorithms, gossh.KeyAlgoED25519)
	for _, algorithm := range gossh.SupportedAlgorithms().HostKeys {
		// A certificate never equals a stored key.
		if !strings.Contains(algorithm, "-cert-") && !slices.Contains(algorithms, algorithm) {
			algorithms = append(algorithms, algorithm)
		}
	}
	return algorithms
}
