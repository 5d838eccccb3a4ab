package executor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// depot serves one file to who shows the token, and counts how often.
type depot struct {
	*httptest.Server
	content atomic.Pointer[string] // nil: it is gone
	served  atomic.Int32
}

func newDepot(t *testing.T, content string) *depot {
	t.Helper()
	d := &depot{}
	d.content.Store(&content)
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := d.content.Load()
		switch {
		case r.Header.Get("Authorization") != "Bearer t0ken":
			w.WriteHeader(http.StatusForbidden)
		case now == nil:
			w.WriteHeader(http.StatusNotFound)
		default:
			d.served.Add(1)
			_, _ = w.Write([]byte(*now))
		}
	}))
	t.Cleanup(d.Close)
	return d
}

// elsewhere is a package that lies at a source, whose credential is sealed to it.
func (s *system) elsewhere(p contract.Package, from contract.Source, c contract.SourceCredential) contract.Package {
	s.t.Helper()
	p.ID = xid.New().String()
	clear, err := json.Marshal(c) //nolint:gosec // it is sealed in the next line but one, and goes nowhere else
	require.NoError(s.t, err)
	sealed, err := s.key.Public().Seal(from.Context(p.ID), clear)
	require.NoError(s.t, err)
	from.Credential = string(sealed)
	p.Source = &from
	return p
}

func loopback(c *Config) {
	c.Sources.Allow = []string{"127.0.0.0/8"}
	c.Sources.Tries = 1
}

// TestAPackageIsFetchedWhileItsHostIsConnectedTo has neither come to an end before the other began.
func TestAPackageIsFetchedWhileItsHostIsConnectedTo(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	way := newMidway(t, h, 0)
	asked := make(chan struct{})
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		way.await()
		_, _ = w.Write([]byte("1.0"))
	}))
	t.Cleanup(source.Close)
	s.executor(loopback)
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: way.to(s.target(h)), Package: s.versionAt(source.URL)})
	select {
	case <-asked:
	case <-time.After(patience):
		require.FailNow(t, "the package is not asked for until the host answers")
	}
	way.open()
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
}

func TestAJobThatIsStoppedDoesNotWaitForItsPackage(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	asked, over := make(chan struct{}), make(chan struct{})
	source := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-over
	}))
	t.Cleanup(source.Close)
	t.Cleanup(func() { close(over) })
	s.executor(loopback)
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.versionAt(source.URL)})
	<-asked
	s.stop(id)
	require.Equal(t, "cancelled", s.await(id, h.Name).State)
}

// versionAt is the package of version 1.0, a file that lies there.
func (s *system) versionAt(url string) contract.Package {
	s.t.Helper()
	sum := sha256.Sum256([]byte("1.0"))
	file := contract.Package{Version: "1.0", Filename: "VERSION", Format: "file", SHA256: hex.EncodeToString(sum[:])}
	return s.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: url + "/VERSION"}}, contract.SourceCredential{Token: "t0ken"})
}

func TestAPackageAtAURLIsFetchedOnceForAllHosts(t *testing.T) {
	s := newSystem(t)
	s.executor(loopback)
	d := newDepot(t, "1.0")
	p := s.versionAt(d.URL)
	hosts := hosttest.Start(t, 3)
	ids := make([]string, len(hosts))
	for i, h := range hosts {
		ids[i] = s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: p})
	}
	for i, h := range hosts {
		require.Equal(t, "succeeded", s.await(ids[i], h.Name).State)
		require.Equal(t, "1.0", current(t, h))
	}
	require.EqualValues(t, 1, d.served.Load())
}

func TestASourceThatDoesNotGiveThePackageFailsTheHostAndSaysWhy(t *testing.T) {
	s := newSystem(t)
	s.executor(loopback)
	closed := newSystem(t)
	closed.executor(nil)
	h := hosttest.Start(t, 1)[0]
	sum := sha256.Sum256([]byte("1.0"))
	file := contract.Package{Version: "1.0", Filename: "VERSION", Format: "file", SHA256: hex.EncodeToString(sum[:])}
	good := contract.SourceCredential{Token: "t0ken"}
	altered := "2.0"
	for code, spoil := range map[string]func(d *depot) (*system, contract.Package){
		contract.FailPackageMissing: func(d *depot) (*system, contract.Package) {
			d.content.Store(nil)
			return s, s.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: d.URL}}, good)
		},
		contract.FailPackageCorrupt: func(d *depot) (*system, contract.Package) {
			d.content.Store(&altered)
			return s, s.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: d.URL}}, good)
		},
		contract.FailSourceDenied: func(d *depot) (*system, contract.Package) {
			return s, s.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: d.URL}}, contract.SourceCredential{Token: "wr0ng"})
		},
		contract.FailSourceDown: func(d *depot) (*system, contract.Package) {
			d.Close()
			return s, s.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: d.URL}}, good)
		},
		contract.FailSourceRefused: func(d *depot) (*system, contract.Package) {
			return closed, closed.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: d.URL}}, good)
		},
		contract.FailCredential: func(d *depot) (*system, contract.Package) {
			p := s.elsewhere(file, contract.Source{URL: &contract.URLSource{URL: d.URL}}, good)
			p.Source.URL.URL = d.URL + "/elsewhere" // the credential is for one place alone
			return s, p
		},
	} {
		on, p := spoil(newDepot(t, "1.0"))
		ended := on.await(on.offer(h.Name, contract.DeployJob{Application: app, Target: on.target(h), Package: p}), h.Name)
		require.Equal(t, "failed", ended.State, code)
		require.Equal(t, code, ended.Failure.Code, ended.Failure.Reason)
		require.NotContains(t, ended.Failure.Reason, "0ken")
		require.NotContains(t, ended.Failure.Reason, "wr0ng")
		require.Empty(t, current(t, h))
	}
}

func TestACommitIsResolvedOnceAndDeployed(t *testing.T) {
	repository := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a",
			"GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	commit := func(version string) string {
		require.NoError(t, os.WriteFile(filepath.Join(repository, "VERSION"), []byte(version), 0o600))
		git("add", "VERSION")
		git("commit", "--quiet", "-m", version)
		return git("rev-parse", "HEAD")
	}
	git("init", "--quiet", "--initial-branch=main")
	one := commit("1.0")

	s := newSystem(t)
	s.executor(func(c *Config) { c.Sources.Directories = []string{filepath.Dir(repository)} })
	resolve := func(ref string) contract.ResolvedRef {
		ask, err := contract.Encode(contract.Envelope{}, contract.ResolveRef{Package: "p", URL: "file://" + repository, Ref: ref})
		require.NoError(t, err)
		reply, err := s.bus.Conn().Request(contract.SourceSubject(""), ask, patience)
		require.NoError(t, err)
		m, err := contract.Decode(reply.Data)
		require.NoError(t, err)
		return m.Body.(contract.ResolvedRef)
	}
	require.Equal(t, contract.ResolvedRef{Commit: one}, resolve("main"))
	require.Equal(t, contract.FailPackageMissing, resolve("nothing").Failure.Code)
	reply, err := s.bus.Conn().Request(contract.SourceSubject(""), []byte("nonsense"), patience)
	require.NoError(t, err)
	require.Contains(t, string(reply.Data), contract.RefusedInvalid)

	commit("2.0") // the branch goes on, the package does not
	from := contract.GitSource{URL: "file://" + repository, Commit: one, Ref: "main"}
	p := contract.Package{
		ID: xid.New().String(), Version: "1.0", Filename: "shop.tar", Format: "tar", SHA256: from.Digest(), Source: &contract.Source{Git: &from},
	}
	script := &contract.Work{Runtime: &contract.Runtime{Kind: contract.RuntimeScript, Script: &contract.Script{
		Text: `#!/bin/bash
printf 'the script has %s' "$(<VERSION)" >"$HOME/told"`,
	}}}
	for _, h := range hosttest.Start(t, 2) {
		id := s.offer(h.Name, contract.DeployJob{Application: app, Work: script, Target: s.target(h), Package: p})
		require.Equal(t, "succeeded", s.await(id, h.Name).State)
		require.Equal(t, "1.0", current(t, h))
		require.Equal(t, "the script has 1.0", told(t, h))
	}
	h := hosttest.Start(t, 1)[0]
	p.ID, p.SHA256 = xid.New().String(), strings.Repeat("0", 64)
	ended := s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: p}), h.Name)
	require.Equal(t, contract.FailPackageCorrupt, ended.Failure.Code)
}

func TestTheSettingsOfSourcesAreChecked(t *testing.T) {
	c := SourcesConfig{Allow: []string{"10.0.0.1"}, Directories: []string{"srv"}, Stall: time.Millisecond}
	require.Len(t, c.Validate(), 5)
	good := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(good, []byte("nothing"), 0o600))
	for _, path := range []string{good, good + ".none"} {
		_, _, err := trusted(path)
		require.Error(t, err)
	}
}
