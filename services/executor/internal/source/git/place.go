package git

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// place is where a repository is.
type place struct{ url url.URL }

// String names the place for people.
func (p place) String() string { return p.url.String() }

// same says whether what opens one place may be shown at the other: it is the same
// server and login.
func (p place) same(other place) bool {
	return p.url.Scheme == other.url.Scheme && p.url.Host == other.url.Host && p.url.User.String() == other.url.User.String()
}

// place reads the URL of a repository, which must be one that may be fetched from.
// It fails with source.ErrRefused.
func (g *Git) place(text string) (place, error) {
	u, err := url.Parse(text)
	if err != nil {
		return place{}, fmt.Errorf("%w: the address of a repository is no URL", source.ErrRefused)
	}
	_, hasPassword := u.User.Password()
	p := place{*u}
	switch {
	case hasPassword, u.RawQuery != "", u.Fragment != "":
		return place{}, fmt.Errorf("%w: the URL of a repository holds more than a login, a host and a path", source.ErrRefused)
	case u.Host != "" && !plainHost(u.Hostname()), strings.HasPrefix(u.User.Username(), "-"), strings.ContainsAny(text, "\n\r\x00"):
		return place{}, fmt.Errorf("%w: it is no address of a repository", source.ErrRefused)
	case u.Scheme == "https" && u.Host != "" && u.User == nil, u.Scheme == "ssh" && u.Host != "":
		return p, nil
	case u.Scheme == "file" && u.Host == "":
		return p, g.local(p)
	default:
		return place{}, fmt.Errorf("%w: repositories are fetched by https, ssh and file URLs", source.ErrRefused)
	}
}

// name is a host name that means the same to Go, curl and ssh: no letters beyond
// ASCII, and no numbers that one of them takes for an address.
var name = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

// plainHost says whether what is looked up is certain to be what git connects to.
func plainHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return name.MatchString(host) || err == nil && addr.Zone() == ""
}

// local says whether a repository on this machine may be fetched from.
func (g *Git) local(p place) error {
	real, err := filepath.EvalSymlinks(p.url.Path)
	if err != nil {
		real = path.Clean(p.url.Path) // if it may be looked for there, git says that it is not there
	}
	if slices.ContainsFunc(g.opts.Directories, func(dir string) bool {
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			dir = resolved
		}
		inside, err := filepath.Rel(dir, real)
		return err == nil && filepath.IsLocal(inside)
	}) {
		return nil
	}
	return fmt.Errorf("%w: %s: it is below none of the directories that may be fetched from", source.ErrRefused, p)
}

// submodule is where a submodule of a repository is, whose .gitmodules gives its
// URL: absolute, relative, or as scp writes it.
func (g *Git) submodule(parent place, text string) (place, error) {
	if strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") {
		u := parent.url
		u.Path, u.RawPath = path.Join("/", u.Path, text), ""
		return g.place(u.String())
	}
	if login, file, ok := strings.Cut(text, ":"); ok && !strings.Contains(login, "/") && !strings.HasPrefix(file, "//") {
		text = "ssh://" + login + "/" + strings.TrimPrefix(file, "/")
	}
	return g.place(text)
}
