//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"
)

// plain is the practical limit: a Go program that has one session with each
// host, all at once, and no more to do than what any deployment must.

// plainScript is the whole of its work on a host: the archive comes on stdin.
const plainScript = `set -e; mkdir -p %[1]s/releases/%[2]s; cd %[1]s; cat >%[2]s.tar.gz; ` +
	`echo "%[3]s  %[2]s.tar.gz" | sha256sum -c - >/dev/null; tar -xzf %[2]s.tar.gz -C releases/%[2]s; rm %[2]s.tar.gz; ` +
	`ln -sfn releases/%[2]s current.new; mv -T current.new current`

func plainShip(to []site, p shipment, base string) error {
	script := fmt.Sprintf(plainScript, base, p.version, p.sha256)
	return plainRun(to, script, p.archive)
}

// plainRun runs a command on all hosts at once.
func plainRun(on []site, command string, input []byte) error {
	errs := make([]error, len(on))
	var working sync.WaitGroup
	for i, s := range on {
		working.Go(func() {
			if err := plainSession(s, command, input); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.Name, err)
			}
		})
	}
	working.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func plainSession(s site, command string, input []byte) error {
	key, err := ssh.ParsePrivateKey(s.PrivateKeyPEM)
	if err != nil {
		return err
	}
	client, err := ssh.Dial("tcp", net.JoinHostPort(s.Addr, strconv.Itoa(s.Port)), &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(s.HostKeys[0]),
		HostKeyAlgorithms: []string{s.HostKeys[0].Type()},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	session.Stdin = bytes.NewReader(input)
	if output, err := session.CombinedOutput(command); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}
