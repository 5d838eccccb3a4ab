package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/services/standalone/internal/demohost"
)

// nobody is who the hosts' commands run as where we are root: neither should they be, nor would a read-only directory
// stop them. No such user needs to exist.
const nobody = 65534

// host is one of the fleet.
type host struct {
	*demohost.Host
	name string
	dir  string // its home
}

// fleet is all hosts, in the order of their names.
type fleet []host

// raise makes the hosts below dir. Their lines are of different speeds, from 4 MiB/s on down: slow enough for a package
// to be seen on its way.
func raise(ctx context.Context, dir string, login ssh.PublicKey, names []string) (hosts fleet, err error) {
	defer func() {
		if err != nil {
			hosts.close()
			err = fmt.Errorf("%w: %w", ErrHosts, err)
		}
	}()
	runAs := unprivileged(ctx)
	for i, name := range names {
		home := filepath.Join(dir, name)
		if err := makeHome(ctx, home, runAs); err != nil {
			return hosts, err
		}
		h, err := demohost.Start(demohost.Config{
			Dir: home, Login: login, RunAs: runAs, Rate: int64(8-i) << 19,
		})
		if err != nil {
			return hosts, err
		}
		hosts = append(hosts, host{Host: h, name: name, dir: home})
	}
	return hosts, nil
}

// unprivileged is nobody, or nil where we cannot be but who we are.
func unprivileged(ctx context.Context) *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	as := &syscall.Credential{Uid: nobody, Gid: nobody}
	probe := exec.CommandContext(ctx, "true")
	probe.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if probe.Run() != nil { // a container that grants root no right to become another
		return nil
	}
	return as
}

// makeHome makes a home, and sees that commands can work in it.
func makeHome(ctx context.Context, home string, runAs *syscall.Credential) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	probe := exec.CommandContext(ctx, "sh", "-c", "test -w .")
	probe.Dir = home
	if runAs != nil {
		if err := os.Chown(home, int(runAs.Uid), int(runAs.Gid)); err != nil {
			return err
		}
		probe.SysProcAttr = &syscall.SysProcAttr{Credential: runAs}
	}
	if err := probe.Run(); err != nil {
		return fmt.Errorf("uid %d cannot work in %s (%w): set TMPDIR to a directory that all may enter", nobody, home, err)
	}
	return nil
}

func (f fleet) close() {
	for _, h := range f {
		h.Close()
	}
}

func (f fleet) names() []string {
	var names []string
	for _, h := range f {
		names = append(names, h.name)
	}
	return names
}

// named returns the host of this name, which must be one of them.
func (f fleet) named(name string) host {
	return f[slices.IndexFunc(f, func(h host) bool { return h.name == name })]
}

// below is a path in the directory of the application, where deployments put it if nothing else is said.
func (h host) below(parts ...string) string {
	return filepath.Join(append([]string{h.dir, "apps", application}, parts...)...)
}

// current is the version that runs on the host, as its disk tells it: what the link leads to and what is found there
// must agree.
func (h host) current() (string, error) {
	target, err := os.Readlink(h.below("current"))
	if err != nil {
		return "", err
	}
	version := strings.TrimPrefix(target, "releases/")
	page, err := os.ReadFile(h.below("current", "index.html"))
	if err != nil {
		return "", err
	}
	if string(page) != indexPage(version) {
		return "", fmt.Errorf("current leads to %s, and the page there is another one's: %q", target, page)
	}
	film, err := os.Stat(h.below("current", "assets", "film.webm"))
	if err != nil {
		return "", err
	}
	if film.Size() != filmSize {
		return "", fmt.Errorf("current leads to %s, where the film has %d bytes of %d", target, film.Size(), filmSize)
	}
	return version, nil
}

// requireCurrent checks what runs on each host: version, but on those that are named what is said there.
func (f fleet) requireCurrent(version string, but map[string]string) error {
	var errs []error
	for _, h := range f {
		want := version
		if other, ok := but[h.name]; ok {
			want = other
		}
		got, err := h.current()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%w on %s: %w", ErrWrongRelease, h.name, err))
		case got != want:
			errs = append(errs, fmt.Errorf("%w on %s: %s, and not %s", ErrWrongRelease, h.name, got, want))
		}
	}
	return errors.Join(errs...)
}

// damage makes the directory of releases read-only.
func (h host) damage() error {
	return os.Chmod(h.below("releases"), 0o555) //nolint:gosec // releases are for all to read
}

// repair makes it writable again, for who owns it.
func (h host) repair() error {
	return os.Chmod(h.below("releases"), 0o755) //nolint:gosec // releases are for all to read
}
