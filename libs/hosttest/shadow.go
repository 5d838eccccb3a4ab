package hosttest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"

	"golang.org/x/crypto/bcrypt"
)

// Without PAM, sshd compares a password with the hash in /etc/shadow, and refuses every login, by key too, to an
// account that is locked there. So a host that accepts passwords, or whose user is locked (as root often is), runs in a
// mount namespace of its own in which /etc/shadow is a private file. Only root can do that.

// hasShadow says whether the host needs a shadow file of its own.
func (h *Host) hasShadow() bool { return h.opts.password || locked(h.User) }

// locked says whether sshd would refuse the user. Who cannot read the file runs an sshd that cannot either.
func locked(user string) bool {
	shadow, err := os.ReadFile("/etc/shadow")
	if err != nil {
		return false
	}
	for line := range bytes.Lines(shadow) {
		if bytes.HasPrefix(line, []byte(user+":!")) {
			return true
		}
	}
	return false
}

// writeShadow writes a shadow file with the one account that logs in. It sets Host.Password if the host accepts one.
func (h *Host) writeShadow() error {
	hash := "*" // neither locked nor matched by any password
	if h.opts.password {
		h.Password = rand.Text()
		// crypt(3) of glibc's and of musl's distributions knows bcrypt; the least cost will do for a random password.
		made, err := bcrypt.GenerateFromPassword([]byte(h.Password), bcrypt.MinCost)
		if err != nil {
			return err
		}
		hash = string(made)
	}
	const changed = 20000 // days since 1970; sshd takes 0 for a password that has expired
	line := fmt.Sprintf("%s:%s:%d::::::\n", h.User, hash, changed)
	return os.WriteFile(h.path("shadow"), []byte(line), 0o600)
}

// shadowMount is the start of a command line whose rest runs with the file in the place of /etc/shadow. It is to be run
// in a mount namespace of its own.
func shadowMount(file string) []string {
	return []string{"/bin/sh", "-c", `mount --bind "$0" /etc/shadow && exec "$@"`, file}
}
