package e2e

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// canary is the name of a file that appears wherever a part of a name is run as a command.
const canary = "CANARY"

// injections are names that say something else to a shell, or to a program that takes them for an option.
var injections = []string{
	`it's "quoted"`,
	`$(touch CANARY)`,
	"`touch CANARY`",
	`a; touch CANARY; b`,
	`a && touch CANARY`,
	`a | touch CANARY`,
	`'; touch CANARY; '`,
	`"; touch CANARY; "`,
	`a\'; touch CANARY; \'`,
	`${IFS}$HOME`,
	`a  b   c`,
	`*?[a-z]{x,y}`,
	`>CANARY`,
	`# not a comment`,
	`!history !!`,
	`%s%n`,
	`größer 日本語 🚢`,
	`-rf`,
	`--help`,
}

// unprintable are names that no one means.
var unprintable = []string{"two\nlines", "a\ttab", "a\x00nul", "an\x1b[31mescape", "a\u2028separator"}

func TestNamesDoWhatTheySayOrAreRefusedAndNeverRun(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, len(injections))
	var servers, paths []string
	for i, name := range injections {
		servers = append(servers, s.nameServer(t, hosts[i], name))
		paths = append(paths, "apps/"+name)
	}
	for _, name := range unprintable {
		s.requireRefused(t, request{method: "POST", path: "/v1/servers", body: with(specOf(hosts[0]), "name", name)}, "name")
		s.requireRefused(t, order{Application: app, Version: "v1", Servers: servers, Path: "apps/" + name}.request(uniqueKey()), "path")
		s.requireRefused(t, uploading(app, "v1", name, []byte("content")), "filename")
	}
	for _, path := range []string{"-rf", "--", "~/shop", "../shop", "apps/../../shop", "/", "."} {
		s.requireRefused(t, order{Application: app, Version: "v1", Servers: servers, Path: path}.request(uniqueKey()), "path")
	}
	for _, name := range []string{"-rf", "..", "a/b", `a\b`, ""} {
		s.requireRefused(t, uploading(app, "v1", name, []byte("content")), "filename")
	}
	for _, bad := range injections[:len(injections)-2] {
		s.requireRefused(t, uploading(bad, "v1", "shop", []byte("content")), "application")
		s.requireRefused(t, uploading(app, bad, "shop", []byte("content")), "version")
	}

	s.shipNames(t, servers, paths, hosts)
	s.shipFilenames(t, servers, hosts)
	requireNoCanary(t, s.dir)
	for _, h := range hosts {
		requireNoCanary(t, h.Home)
	}
}

func with(s spec, name string, value any) spec { s[name] = value; return s }

// nameServer adds a host under the name and finds it again by it.
func (s *standalone) nameServer(t *testing.T, h *hosttest.Host, name string) string {
	t.Helper()
	added := s.add(t, with(specOf(h), "name", name))
	require.Equal(t, name, added.Name)
	found := all[server](t, s.client, "/v1/servers", map[string][]string{"name": {name}})
	require.Equal(t, []server{added}, found)
	return added.ID
}

// requireRefused fails the test unless the request is refused for this field.
func (s *standalone) requireRefused(t *testing.T, r request, field string) {
	t.Helper()
	a := s.answered(t, r)
	require.Equal(t, http.StatusUnprocessableEntity, a.status, "%+v: %s", r, a)
	require.Contains(t, a.problem(t).fields(), field, "%s", a)
}

// shipNames ships packages whose files have all the names to the servers, and to all the paths on two of them, and compares
// what is on the hosts.
func (s *standalone) shipNames(t *testing.T, servers, paths []string, hosts []*hosttest.Host) {
	t.Helper()
	tarred, zipped := content{}, content{}
	for _, name := range append([]string{"two\nlines", "a\ttab", "-", "--", "~", " "}, injections...) {
		for _, in := range []string{name, "dir " + name + "/" + name} {
			tarred[in] = "content of " + in
			if !strings.Contains(in, `\`) { // in a zip it may be meant as a separator, and is refused
				zipped[in] = tarred[in]
			}
		}
	}
	s.upload(t, app, "tarred", "shop.tar.gz", tarred.tarGz(t))
	s.upload(t, app, "zipped", "shop.zip", zipped.zip(t))
	for version, files := range map[string]content{"tarred": tarred, "zipped": zipped} {
		s.succeed(t, s.deploy(t, order{Application: app, Version: version, Servers: servers}).ID)
		for _, h := range hosts {
			requireHolds(t, h, appPath, version, files)
		}
		var under []string
		for _, path := range paths {
			under = append(under, s.deploy(t, order{Application: app, Version: version, Servers: servers[:2], Path: path}).ID)
		}
		for i, path := range paths {
			s.succeed(t, under[i])
			for _, h := range hosts[:2] {
				requireHolds(t, h, path, version, files)
			}
		}
	}
}

// requireHolds fails the test unless the host runs the version, with these files.
func requireHolds(t *testing.T, h *hosttest.Host, path, version string, files content) {
	t.Helper()
	require.Equal(t, version, runs(t, h, path))
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(h.Home, path, "current", name))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

// shipFilenames ships single files of all the names that a file may have.
func (s *standalone) shipFilenames(t *testing.T, servers []string, hosts []*hosttest.Host) {
	t.Helper()
	for i, name := range injections {
		if strings.HasPrefix(name, "-") || strings.ContainsAny(name, `\/`) {
			s.requireRefused(t, uploading(app, "file", name, []byte("content")), "filename")
			continue
		}
		v := fmt.Sprintf("file-v%d", i)
		require.Equal(t, "file", s.upload(t, app, v, name, []byte("content of "+name)).Format)
		s.succeed(t, s.deploy(t, order{Application: app, Version: v, Servers: servers[:1]}).ID)
		got, err := os.ReadFile(filepath.Join(hosts[0].Home, appPath, "current", name))
		require.NoError(t, err)
		require.Equal(t, "content of "+name, string(got))
	}
}

// requireNoCanary fails the test if a file of that very name is anywhere below the directory.
func requireNoCanary(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		require.NotEqual(t, canary, filepath.Base(path), "a name was run: %s", path)
		return err
	}))
}
