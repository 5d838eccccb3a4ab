package git

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// access is what opens a repository.
type access struct {
	contract.SourceCredential
	hostKey string // authorized_keys lines
}

// session is git with what it needs to talk to one server. It is used for one try:
// the server may have another address at the next.
type session struct {
	opts  Options
	at    place
	home  string   // a directory of its own
	env   []string // all that git sees
	agent *agent   // nil: there is none
}

// open begins a session. It fails with one of the errors of package source.
func (g *Git) open(ctx context.Context, at place, a access) (_ *session, err error) {
	home, err := os.MkdirTemp("", "slipway-git-*") // short: the path of a socket may have 107 bytes
	if err != nil {
		return nil, local(err)
	}
	s := &session{opts: g.opts, at: at, home: home}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "TMPDIR=" + os.TempDir(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + s.file("config"), "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=" + at.url.Scheme,
	}
	config := baseConfig
	switch at.url.Scheme {
	case "https":
		if err := s.recent(ctx); err != nil {
			return nil, err
		}
		addrs, err := s.lookup(ctx)
		if err != nil {
			return nil, err
		}
		config += s.overHTTPS(addrs, a)
	case "ssh":
		addrs, err := s.lookup(ctx)
		if err != nil {
			return nil, err
		}
		if err := s.overSSH(addrs[0], a); err != nil {
			return nil, err
		}
	case "file":
		config += "[safe]\n\tdirectory = " + quote(at.url.Path) + "\n" // its owner may be another user; the configuration allows it
	}
	return s, s.write("config", config)
}

// baseConfig is the configuration of git in all sessions.
const baseConfig = `[core]
	hooksPath = /dev/null
	askPass =
[credential]
	helper =
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
`

// lookup returns the addresses of the server that may be connected to: git and ssh
// are told to use these, so that no name leads them elsewhere.
func (s *session) lookup(ctx context.Context) ([]netip.Addr, error) {
	addrs, err := s.opts.Guard.Lookup(ctx, s.at.url.Hostname())
	switch {
	case errors.Is(err, netguard.ErrClosed):
		return nil, fmt.Errorf("%w: %s: %w", source.ErrRefused, s.at, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: its host name cannot be resolved", source.ErrUnreachable, s.at)
	}
	return addrs, nil
}

// recent says whether git is one that takes the addresses to connect to from its
// configuration. An older one would look the name up again.
func (s *session) recent(ctx context.Context) error {
	out, err := s.git(ctx, "", "version")
	if err != nil {
		return err
	}
	var major, minor int
	_, _ = fmt.Sscanf(string(out), "git version %d.%d", &major, &minor)
	if major < 2 || major == 2 && minor < 37 {
		return fmt.Errorf("%w: %s: https needs git 2.37 or later on its machine", source.ErrRefused, s.at)
	}
	return nil
}

// overHTTPS is the configuration for https. A redirect would lead to where nobody
// looked, and take the credential along.
func (s *session) overHTTPS(addrs []netip.Addr, a access) string {
	port := s.at.url.Port()
	if port == "" {
		port = "443"
	}
	texts := make([]string, len(addrs))
	for i, addr := range addrs {
		if texts[i] = addr.String(); addr.Is6() {
			texts[i] = "[" + texts[i] + "]"
		}
	}
	config := fmt.Sprintf("[http]\n\tfollowRedirects = false\n\tproxy =\n\tlowSpeedLimit = 1\n\tlowSpeedTime = %d\n", max(1, int(s.opts.Stall.Seconds())))
	if _, err := netip.ParseAddr(s.at.url.Hostname()); err != nil { // an address is looked up by nobody
		config += "\tcurloptResolve = " + quote(s.at.url.Hostname()+":"+port+":"+strings.Join(texts, ",")) + "\n"
	}
	if s.opts.CA != "" {
		config += "\tsslCAInfo = " + quote(s.opts.CA) + "\n"
	}
	if a.Username != "" || a.Password != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Password))
		s.env = append(s.env, "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=http.https://"+s.at.url.Host+"/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic "+basic)
	}
	return config
}

// quote writes a value for a file of git's configuration.
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}

func (s *session) file(name string) string { return filepath.Join(s.home, name) }

func (s *session) write(name, content string) error {
	return local(os.WriteFile(s.file(name), []byte(content), 0o600))
}

// close ends the session.
func (s *session) close() {
	if s.agent != nil {
		s.agent.close()
	}
	_ = os.RemoveAll(s.home) // it holds no secret, and lies where the system clears up
}
