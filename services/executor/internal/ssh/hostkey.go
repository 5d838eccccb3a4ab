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
	address      string
	firstContact bool
	authorities  []gossh.PublicKey
	revoked      []gossh.PublicKey
	legacy       []string // weak algorithms that the host may show its key with

	mu       sync.Mutex // the check runs again, in another goroutine, each time that keys are exchanged anew
	expected []gossh.PublicKey
	offered  gossh.PublicKey
	failure  error
}

func newHostKeyCheck(t Target) (*hostKeyCheck, error) {
	c := &hostKeyCheck{address: t.Address, firstContact: t.FirstContact}
	for _, list := range []struct {
		name string
		text string
		into *[]gossh.PublicKey
	}{
		{"stored host key", t.HostKey, &c.expected},
		{"stored authority", t.HostCA, &c.authorities},
		{"revoked key", t.RevokedKeys, &c.revoked},
	} {
		keys, err := parseHostKeys(list.text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s, %w", ErrBadKey, list.name, err)
		}
		*list.into = keys
	}
	return c, nil
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
			return nil, fmt.Errorf("line %d: markers are not supported", number)
		}
		// What stands before the type in known_hosts, host names, is where authorized_keys has options.
		key, _, _, _, err := gossh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: not a public key", number)
		}
		if _, isCertificate := key.(*gossh.Certificate); isCertificate {
			return nil, fmt.Errorf("line %d: certificates are not supported", number)
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
	c.failure = c.decide(key)
	return c.failure
}

func (c *hostKeyCheck) decide(key gossh.PublicKey) error {
	if cert, ok := key.(*gossh.Certificate); ok {
		c.offered = cert.Key
		switch {
		case holds(c.revoked, cert.Key):
			return fmt.Errorf("%w: it is %s", ErrHostKeyRevoked, fingerprint(cert.Key))
		case holds(c.revoked, cert.SignatureKey):
			return fmt.Errorf("%w: the authority behind it is %s", ErrHostKeyRevoked, fingerprint(cert.SignatureKey))
		case holds(c.expected, cert.Key):
			return nil // it is trusted without its certificate, as OpenSSH would
		}
		return checkHostCertificate(cert, c.authorities, c.address)
	}
	switch {
	case holds(c.revoked, key):
		return fmt.Errorf("%w: it is %s", ErrHostKeyRevoked, fingerprint(key))
	case len(c.expected) == 0 && len(c.authorities) > 0:
		return fmt.Errorf("%w: the host shows none, only %s", ErrHostCertificate, fingerprint(key))
	case len(c.expected) == 0 && c.firstContact:
		c.expected = []gossh.PublicKey{key} // from now on it is this one
	}
	return compare(c.expected, key)
}

func holds(keys []gossh.PublicKey, key gossh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k gossh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}

func compare(expected []gossh.PublicKey, offered gossh.PublicKey) error {
	if len(expected) == 0 {
		return fmt.Errorf("%w: none is stored, the host offers %s", ErrHostKeyUnknown, fingerprint(offered))
	}
	if holds(expected, offered) {
		return nil
	}
	var stored []string
	for _, key := range expected {
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

// line is the offered key as a line of authorized_keys, without a newline and without its certificate.
func (c *hostKeyCheck) line() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(string(gossh.MarshalAuthorizedKey(c.offered)))
}

// algorithms lists what to ask the host for: certificates where there are authorities, then the types of the expected keys,
// so that a host with several keys offers one that we know. The others follow, for a host that no longer has a key of such a type: it then offers
// another, and the error can show it, where nothing in common would be left otherwise.
func (c *hostKeyCheck) algorithms() []string {
	var algorithms []string
	if len(c.authorities) > 0 {
		algorithms = append(algorithms, hostCertificates()...)
	}
	for _, key := range c.expected {
		if key.Type() == gossh.KeyAlgoRSA { // the type of the key; signatures with SHA-1, of the same name, are not taken
			algorithms = append(algorithms, gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256)
		} else {
			algorithms = append(algorithms, key.Type())
		}
	}
	algorithms = append(algorithms, gossh.KeyAlgoED25519)
	for _, algorithm := range gossh.SupportedAlgorithms().HostKeys {
		if !strings.Contains(algorithm, "-cert-") && !slices.Contains(algorithms, algorithm) {
			algorithms = append(algorithms, algorithm)
		}
	}
	return append(algorithms, c.legacy...)
}
