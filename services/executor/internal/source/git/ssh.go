package git

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	gossh "golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// hostAlias is the name under which the keys of the server stand in known_hosts,
// whatever its name, address and port are.
const hostAlias = "slipway-source"

// overSSH prepares ssh: to this address, to a server that shows one of the stored
// keys, with the key of the credential and no other.
func (s *session) overSSH(addr netip.Addr, a access) error {
	var known strings.Builder
	for line := range strings.Lines(a.hostKey) {
		fmt.Fprintf(&known, "%s %s\n", hostAlias, strings.TrimSpace(line))
	}
	identities := "none"
	if a.PrivateKey != "" {
		var err error
		if s.agent, err = startAgent(s.file("agent"), a); err != nil {
			return err
		}
		identities = s.file("agent")
	}
	config := fmt.Sprintf(`HostName %s
HostKeyAlias %s
UserKnownHostsFile %s
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
CheckHostIP no
UpdateHostKeys no
IdentityAgent %s
IdentityFile none
PreferredAuthentications publickey
BatchMode yes
ConnectTimeout 10
ServerAliveInterval 10
ServerAliveCountMax 3
ClearAllForwardings yes
LogLevel ERROR
`, addr, hostAlias, sshQuote(s.file("known_hosts")), sshQuote(identities))
	s.env = append(s.env, `GIT_SSH_COMMAND=ssh -F "$SLIPWAY_SSH_CONFIG"`, "GIT_SSH_VARIANT=ssh", "SLIPWAY_SSH_CONFIG="+s.file("ssh_config"))
	return errors.Join(s.write("known_hosts", known.String()), s.write("ssh_config", config))
}

// sshQuote writes a path for a file of ssh's configuration, which expands '%'.
func sshQuote(path string) string { return `"` + strings.ReplaceAll(path, "%", "%%") + `"` }

// agent is an SSH agent in this process that holds one key: ssh signs with it and
// never has it.
type agent struct {
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
	all      sync.WaitGroup
}

// startAgent parses the private key and serves it on a socket. It keeps the
// parser's own words out of its errors: they may quote the key.
func startAgent(socket string, a access) (*agent, error) {
	key, err := gossh.ParseRawPrivateKey([]byte(a.PrivateKey))
	var encrypted *gossh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		key, err = gossh.ParseRawPrivateKeyWithPassphrase([]byte(a.PrivateKey), []byte(a.Passphrase))
	}
	keys := sshagent.NewKeyring()
	if err == nil {
		err = keys.Add(sshagent.AddedKey{PrivateKey: key})
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its private key cannot be read", source.ErrCredential)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, local(err)
	}
	served := &agent{listener: listener}
	served.all.Go(func() { served.serve(keys) })
	return served, nil
}

func (a *agent) serve(keys sshagent.Agent) {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return // closed
		}
		a.mu.Lock()
		a.conns = append(a.conns, conn)
		a.mu.Unlock()
		a.all.Go(func() {
			_ = sshagent.ServeAgent(keys, conn) // ends when ssh closes the connection, or this agent does
			_ = conn.Close()
		})
	}
}

// close forgets the key.
func (a *agent) close() {
	_ = a.listener.Close()
	a.mu.Lock()
	for _, conn := range a.conns {
		_ = conn.Close()
	}
	a.mu.Unlock()
	a.all.Wait()
}
