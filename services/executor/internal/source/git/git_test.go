package git

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi" //nolint:gosec // a server for tests; and Go is newer than that weakness
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// forge is a directory with repositories, as a server of git has one.
type forge struct {
	*testing.T
	dir string
}

func newForge(t *testing.T) forge {
	t.Helper()
	return forge{t, t.TempDir()}
}

// run runs git for the test, as a person would with no configuration.
func (f forge) run(dir string, args ...string) string {
	f.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME="+f.dir,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	out, err := cmd.CombinedOutput()
	require.NoError(f, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// repository makes one with a commit of these files on the branch main.
func (f forge) repository(name string, files map[string]string, options ...string) (dir, commit string) {
	f.Helper()
	dir = filepath.Join(f.dir, name)
	f.run(f.dir, append(append([]string{"init", "--quiet", "--initial-branch=main"}, options...), dir)...)
	return dir, f.commit(dir, files)
}

// commit adds a commit of these files.
func (f forge) commit(dir string, files map[string]string) string {
	f.Helper()
	for name, content := range files {
		at := filepath.Join(dir, name)
		require.NoError(f, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(f, os.WriteFile(at, []byte(content), 0o644))
	}
	f.run(dir, "add", "--all")
	f.run(dir, "commit", "--quiet", "--allow-empty", "-m", "a commit")
	return f.run(dir, "rev-parse", "HEAD")
}

func (f forge) git(adjust func(*Options)) *Git {
	opts := Options{
		Guard:       netguard.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		Directories: []string{f.dir}, Max: 64 << 20, Stall: 10 * time.Second,
		Retry: source.Retry{Tries: 2, Pause: time.Millisecond},
	}
	if adjust != nil {
		adjust(&opts)
	}
	return New(opts)
}

// fetch fetches a commit and returns the bytes of its archive.
func (f forge) fetch(g *Git, s contract.GitSource, c contract.SourceCredential) ([]byte, error) {
	f.Helper()
	to, err := os.Create(filepath.Join(f.TempDir(), "package"))
	require.NoError(f, err)
	defer to.Close()
	err = g.Fetch(f.Context(), s, c, to)
	left, globErr := filepath.Glob(filepath.Join(filepath.Dir(to.Name()), "git-*"))
	require.NoError(f, globErr)
	require.Empty(f, left, "nothing stays but the package")
	got, readErr := os.ReadFile(to.Name())
	require.NoError(f, readErr)
	return got, err
}

// listed is what is in a tar archive: content, "-> target" or "dir" by name.
func listed(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		body, err := io.ReadAll(r)
		require.NoError(t, err)
		switch h.Typeflag {
		case tar.TypeSymlink:
			all[h.Name] = "-> " + h.Linkname
		case tar.TypeDir:
			all[h.Name] = "dir"
		default:
			all[h.Name] = string(body)
		}
		if h.Mode&0o111 != 0 && h.Typeflag == tar.TypeReg {
			all[h.Name] += " (executable)"
		}
		require.Equal(t, "2026-01-02T03:04:05Z", h.ModTime.UTC().Format(time.RFC3339))
	}
}

var nobody = contract.SourceCredential{}

func TestACommitIsItsTreeAndAlwaysTheSameBytes(t *testing.T) {
	f := newForge(t)
	dir, _ := f.repository("shop", map[string]string{"README": "old"})
	require.NoError(t, os.Symlink("../README", filepath.Join(dir, "link")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.sh"), []byte("#!/bin/sh"), 0o755))
	commit := f.commit(dir, map[string]string{
		"README": "new", "lib/ä b": "umlaut", "crlf": "a\nb\n", ".gitattributes": "* text eol=crlf\nlib export-ignore\n*.sh filter=evil",
	})
	f.commit(dir, map[string]string{"README": "newer"})

	url := "file://" + dir
	first, err := f.fetch(f.git(nil), contract.GitSource{URL: url, Commit: commit}, nobody)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"README": "new", "link": "-> ../README", "run.sh": "#!/bin/sh (executable)", "lib/ä b": "umlaut", "crlf": "a\nb\n",
		".gitattributes": "* text eol=crlf\nlib export-ignore\n*.sh filter=evil",
	}, listed(t, first))
	f.run(dir, "gc", "--quiet", "--prune=now")
	again, err := f.fetch(f.git(nil), contract.GitSource{URL: url, Commit: commit}, nobody)
	require.NoError(t, err)
	require.Equal(t, first, again)

	below, err := f.fetch(f.git(nil), contract.GitSource{URL: url, Commit: commit, Directory: "lib"}, nobody)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"ä b": "umlaut"}, listed(t, below))
	_, err = f.fetch(f.git(nil), contract.GitSource{URL: url, Commit: commit, Directory: "nowhere"}, nobody)
	require.ErrorIs(t, err, source.ErrGone)
}

func TestRefsAreResolvedAndWhatIsAmbiguousIsNot(t *testing.T) {
	f := newForge(t)
	dir, one := f.repository("shop", map[string]string{"a": "1"})
	f.run(dir, "tag", "light")
	f.run(dir, "tag", "-m", "annotated", "v1")
	f.run(dir, "branch", "feature/main")
	two := f.commit(dir, map[string]string{"a": "2"})
	f.run(dir, "tag", "both")
	f.run(dir, "branch", "both", one)
	for ref, want := range map[string]string{
		"main": two, "HEAD": two, "light": one, "v1": one, "feature/main": one,
		"refs/heads/main": two, "refs/tags/v1": one, "refs/heads/both": one, "refs/tags/both": two,
	} {
		got, err := f.git(nil).Resolve(t.Context(), contract.GitSource{URL: "file://" + dir, Ref: ref}, nobody)
		require.NoError(t, err, ref)
		require.Equal(t, want, got, ref)
	}
	for ref, want := range map[string]error{"nothing": source.ErrGone, "mai": source.ErrGone, "both": source.ErrRefused} {
		_, err := f.git(nil).Resolve(t.Context(), contract.GitSource{URL: "file://" + dir, Ref: ref}, nobody)
		require.ErrorIs(t, err, want, ref)
		require.ErrorContains(t, err, ref)
	}
	_, err := f.git(nil).Resolve(t.Context(), contract.GitSource{URL: "file://" + f.dir + "/none", Ref: "main"}, nobody)
	require.ErrorIs(t, err, source.ErrGone)
}

func TestACommitThatIsGoneIsSaidToBe(t *testing.T) {
	f := newForge(t)
	dir, _ := f.repository("shop", map[string]string{"a": "1"})
	_, err := f.fetch(f.git(nil), contract.GitSource{URL: "file://" + dir, Commit: strings.Repeat("a", 40)}, nobody)
	require.ErrorIs(t, err, source.ErrGone)
	_, err = f.fetch(f.git(nil), contract.GitSource{URL: "file://" + dir, Commit: "main"}, nobody)
	require.ErrorIs(t, err, source.ErrRefused)
}

// Over ssh git speaks an old version of its protocol here, in which a server gives
// out the ends of branches and tags alone.
func TestACommitInTheHistoryIsFetchedFromAServerThatGivesOutBranchesAlone(t *testing.T) {
	f := newForge(t)
	dir, one := f.repository("shop", map[string]string{"a": "1"})
	f.commit(dir, map[string]string{"a": "2"})
	h := hosttest.Start(t, 1)[0]
	s := contract.GitSource{URL: fmt.Sprintf("ssh://%s@%s:%d%s", h.User, h.Addr, h.Port, dir), Commit: one, Ref: "main", HostKey: h.HostKey}
	key := contract.SourceCredential{PrivateKey: string(h.PrivateKeyPEM)}
	got, err := f.fetch(f.git(nil), s, key)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1"}, listed(t, got))
	s.Commit = strings.Repeat("a", 40)
	_, err = f.fetch(f.git(nil), s, key)
	require.ErrorIs(t, err, source.ErrGone)
}

func TestRepositoriesOfSHA256AreFetched(t *testing.T) {
	f := newForge(t)
	dir, commit := f.repository("shop", map[string]string{"a": "1"}, "--object-format=sha256")
	require.Len(t, commit, 64)
	got, err := f.fetch(f.git(nil), contract.GitSource{URL: "file://" + dir, Commit: commit}, nobody)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1"}, listed(t, got))
}

func TestSubmodulesComeByChoice(t *testing.T) {
	f := newForge(t)
	f.repository("inner", map[string]string{"deep": "inner"})
	middle, _ := f.repository("middle", map[string]string{"b": "middle"})
	outer, _ := f.repository("outer", map[string]string{"a": "outer"})
	f.run(middle, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "vendor/inner")
	f.commit(middle, nil)
	f.run(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "file://"+middle, "lib/middle")
	commit := f.commit(outer, nil)

	s := contract.GitSource{URL: "file://" + outer, Commit: commit}
	got, err := f.fetch(f.git(nil), s, nobody)
	require.NoError(t, err)
	all := listed(t, got)
	require.Equal(t, "dir", all["lib/middle/"])
	require.NotContains(t, all, "lib/middle/b")

	s.Submodules = true
	got, err = f.fetch(f.git(nil), s, nobody)
	require.NoError(t, err)
	all = listed(t, got)
	require.Equal(t, "middle", all["lib/middle/b"])
	require.Equal(t, "inner", all["lib/middle/vendor/inner/deep"])

	s.Directory = "lib"
	got, err = f.fetch(f.git(nil), s, nobody)
	require.NoError(t, err)
	require.Equal(t, "inner", listed(t, got)["middle/vendor/inner/deep"])

	elsewhere := newForge(t) // a submodule leads to where nobody may go
	_, _ = elsewhere.repository("secret", map[string]string{"s": "secret"})
	f.run(outer, "config", "-f", ".gitmodules", "submodule.lib/middle.url", "file://"+elsewhere.dir+"/secret")
	s = contract.GitSource{URL: s.URL, Commit: f.commit(outer, nil), Submodules: true}
	_, err = f.fetch(f.git(nil), s, nobody)
	require.ErrorIs(t, err, source.ErrRefused)
	require.ErrorContains(t, err, "submodule lib/middle")
}

func TestOnlyWhatIsAllowedIsFetchedFrom(t *testing.T) {
	f := newForge(t)
	dir, commit := f.repository("shop", map[string]string{"a": "1"})
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	nowhere := f.git(func(o *Options) { o.Directories = []string{filepath.Dir(link)} })
	for _, url := range []string{
		"file://" + dir, "file://" + link, "file://" + filepath.Dir(link) + "/../" + filepath.Base(f.dir) + "/shop",
		dir, "ext::sh -c id", "http://127.0.0.1/x", "git://127.0.0.1/x", "ssh://-oProxyCommand=id/x", "ssh://-x@127.0.0.1/x",
		"https://user:secret@127.0.0.1/x", "https://user@127.0.0.1/x", "https://127.0.0.1/x?token=secret", "file://host/x", "https:///x", "fd::1",
		"https://127.1/x", "https://2130706433/x", "https://0x7f000001/x", "https://a.0x7f/x", "https://ex\u00e4mple.com/x", "https://localhost./x",
		"https://[fe80::1%25eth0]/x", "ssh://127.1/x",
	} {
		_, err := f.fetch(nowhere, contract.GitSource{URL: url, Commit: commit}, nobody)
		require.ErrorIs(t, err, source.ErrRefused, url)
		require.NotContains(t, err.Error(), "secret")
		_, err = nowhere.Resolve(t.Context(), contract.GitSource{URL: url, Ref: "main"}, nobody)
		require.ErrorIs(t, err, source.ErrRefused, url)
	}
	public := f.git(func(o *Options) { o.Guard = netguard.Guard{} })
	for _, url := range []string{"https://127.0.0.1:1/x", "https://localhost:1/x", "ssh://git@127.0.0.1:1/x"} {
		_, err := f.fetch(public, contract.GitSource{URL: url, Commit: commit}, nobody)
		require.ErrorIs(t, err, source.ErrRefused, url)
		require.ErrorContains(t, err, "not a public address")
	}
	_, err := f.fetch(f.git(nil), contract.GitSource{URL: "https://127.0.0.1:1/x", Commit: commit}, nobody)
	require.ErrorIs(t, err, source.ErrUnreachable)
}

func TestWhatIsTooLargeIsNotTaken(t *testing.T) {
	f := newForge(t)
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i*7919>>5)
	}
	dir, commit := f.repository("shop", map[string]string{"a": string(noise)})
	for _, limit := range []int64{64 << 10, 2 << 20} {
		_, err := f.fetch(f.git(func(o *Options) { o.Max = limit }), contract.GitSource{URL: "file://" + dir, Commit: commit}, nobody)
		require.ErrorIs(t, err, source.ErrTooLarge, limit)
	}
}

// overHTTPS serves the repositories of a forge to who knows the password.
func (f forge) overHTTPS() (url string, adjust func(*Options)) {
	f.Helper()
	program, err := exec.LookPath("git")
	require.NoError(f, err)
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + f.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
	}, Stderr: io.Discard}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "ci" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	})
	mux.HandleFunc("/moved/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.TrimPrefix(r.URL.RequestURI(), "/moved"), http.StatusMovedPermanently) //nolint:gosec // within a test
	})
	mux.HandleFunc("/broken/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	srv := httptest.NewTLSServer(mux)
	f.Cleanup(srv.Close)
	ca := filepath.Join(f.TempDir(), "ca.pem")
	require.NoError(f, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	return srv.URL, func(o *Options) { o.CA = ca }
}

func TestOverHTTPSAPasswordOpensARepository(t *testing.T) {
	f := newForge(t)
	_, commit := f.repository("shop", map[string]string{"a": "1"})
	url, trusting := f.overHTTPS()
	ci := contract.SourceCredential{Username: "ci", Password: "s3cret"}

	got, err := f.git(trusting).Resolve(t.Context(), contract.GitSource{URL: url + "/shop/.git", Ref: "main"}, ci)
	require.NoError(t, err)
	require.Equal(t, commit, got)
	archive, err := f.fetch(f.git(trusting), contract.GitSource{URL: url + "/shop/.git", Commit: commit}, ci)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1"}, listed(t, archive))

	for path, want := range map[string]error{
		"/shop/.git": nil, "/none/.git": source.ErrGone, "/moved/shop/.git": source.ErrRefused, "/broken/x": source.ErrUnreachable,
	} {
		_, err = f.git(trusting).Resolve(t.Context(), contract.GitSource{URL: url + path, Ref: "main"}, ci)
		require.ErrorIs(t, err, want, path)
	}
	for _, c := range []contract.SourceCredential{nobody, {Username: "ci", Password: "wr0ng"}} {
		_, err = f.fetch(f.git(trusting), contract.GitSource{URL: url + "/shop/.git", Commit: commit}, c)
		require.ErrorIs(t, err, source.ErrDenied)
		require.NotContains(t, err.Error(), "wr0ng")
	}
	_, err = f.git(nil).Resolve(t.Context(), contract.GitSource{URL: url + "/shop/.git", Ref: "main"}, ci)
	require.ErrorIs(t, err, source.ErrRefused)
	require.ErrorContains(t, err, "not trusted")
}

func TestACredentialIsShownToNoOtherServerOfASubmodule(t *testing.T) {
	f := newForge(t)
	inner, _ := f.repository("inner", map[string]string{"deep": "inner"})
	outer, _ := f.repository("outer", map[string]string{"a": "outer"})
	url, trusting := f.overHTTPS()
	f.run(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "inner")
	ci := contract.SourceCredential{Username: "ci", Password: "s3cret"}
	for address, want := range map[string]error{
		"../../inner/.git": nil, url + "/inner/.git": nil,
		strings.Replace(url, "127.0.0.1", "localhost", 1) + "/inner/.git": source.ErrRefused, // its certificate is not for this name
	} {
		f.run(outer, "config", "-f", ".gitmodules", "submodule.inner.url", address)
		s := contract.GitSource{URL: url + "/outer/.git", Commit: f.commit(outer, nil), Submodules: true}
		_, err := f.fetch(f.git(trusting), s, ci)
		require.ErrorIs(t, err, want, address)
	}
	a, err := f.git(nil).place(url + "/a")
	require.NoError(t, err)
	for other, same := range map[string]bool{url + "/b": true, "https://127.0.0.1/a": false, "ssh://127.0.0.1/a": false} {
		b, err := f.git(nil).place(other)
		require.NoError(t, err)
		require.Equal(t, same, a.same(b), other)
	}
}

func TestOverSSHAKeyOpensARepositoryOfAServerThatIsKnown(t *testing.T) {
	f := newForge(t)
	dir, commit := f.repository("shop", map[string]string{"a": "1"})
	h := hosttest.Start(t, 1)[0]
	other := hosttest.Start(t, 1)[0]
	s := contract.GitSource{URL: fmt.Sprintf("ssh://%s@%s:%d%s", h.User, h.Addr, h.Port, dir), Commit: commit, HostKey: h.HostKey}
	key := contract.SourceCredential{PrivateKey: string(h.PrivateKeyPEM)}

	got, err := f.git(nil).Resolve(t.Context(), contract.GitSource{URL: s.URL, Ref: "main", HostKey: s.HostKey}, key)
	require.NoError(t, err)
	require.Equal(t, commit, got)
	archive, err := f.fetch(f.git(nil), s, key)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1"}, listed(t, archive))

	_, err = f.fetch(f.git(nil), s, contract.SourceCredential{PrivateKey: string(other.PrivateKeyPEM)})
	if string(other.PrivateKeyPEM) != string(h.PrivateKeyPEM) {
		require.ErrorIs(t, err, source.ErrDenied)
	}
	_, err = f.fetch(f.git(nil), s, nobody)
	require.ErrorIs(t, err, source.ErrDenied)
	_, err = f.fetch(f.git(nil), s, contract.SourceCredential{PrivateKey: "no key"})
	require.ErrorIs(t, err, source.ErrCredential)
	require.NotContains(t, err.Error(), "no key")

	for _, known := range []string{"", other.HostKey} {
		s.HostKey = known
		_, err = f.fetch(f.git(nil), s, key)
		require.ErrorIs(t, err, source.ErrDenied)
		require.ErrorContains(t, err, "host key")
	}
	h.Stop()
	s.HostKey = h.HostKey
	_, err = f.fetch(f.git(nil), s, key)
	require.ErrorIs(t, err, source.ErrUnreachable)
}

// example.com is a name that the certificates of httptest are for, and that leads
// elsewhere.
func TestGitAndSSHConnectToTheAddressesThatWereLookedAt(t *testing.T) {
	f := newForge(t)
	dir, commit := f.repository("shop", map[string]string{"a": "1"})
	h := hosttest.Start(t, 1)[0]
	url, trusting := f.overHTTPS()
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	for text, a := range map[string]access{
		strings.Replace(url, "127.0.0.1", "example.com", 1) + "/shop/.git": {SourceCredential: contract.SourceCredential{Username: "ci", Password: "s3cret"}},
		fmt.Sprintf("ssh://%s@example.com:%d%s", h.User, h.Port, dir):      {contract.SourceCredential{PrivateKey: string(h.PrivateKeyPEM)}, h.HostKey},
	} {
		g := f.git(trusting)
		at, err := g.place(text)
		require.NoError(t, err)
		home := t.TempDir()
		on := &session{opts: g.opts, at: at, home: home, env: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_GLOBAL=" + filepath.Join(home, "config"), "GIT_TERMINAL_PROMPT=0",
		}}
		config := baseConfig
		if at.url.Scheme == "https" {
			config += on.overHTTPS(loopback, a)
		} else {
			require.NoError(t, on.overSSH(netip.MustParseAddr(h.Addr), a))
		}
		require.NoError(t, on.write("config", config))
		got, err := on.resolve(t.Context(), "main")
		require.NoError(t, err)
		require.Equal(t, commit, got)
		on.close()
	}
}

func TestAnOldGitIsNotTrustedWithAddresses(t *testing.T) {
	f := newForge(t)
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\necho git version 2.36.1\n"), 0o755))
	t.Setenv("PATH", bin)
	for _, want := range []string{"needs git 2.37", "there is no git"} {
		_, err := f.git(nil).Resolve(t.Context(), contract.GitSource{URL: "https://127.0.0.1:1/x", Ref: "main"}, nobody)
		require.ErrorIs(t, err, source.ErrRefused)
		require.ErrorContains(t, err, want)
		require.NoError(t, os.RemoveAll(filepath.Join(bin, "git")))
	}
}

func TestGitSeesNothingOfTheMachineOrTheUser(t *testing.T) {
	f := newForge(t)
	dir, commit := f.repository("shop", map[string]string{"a": "1"})
	trap := filepath.Join(t.TempDir(), "trap")
	home := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(
		"[core]\n\tfsmonitor = touch "+trap+"\n[uploadpack]\n\tpackObjectsHook = touch "+trap+" && false\n[url \"file:///nowhere\"]\n\tinsteadOf = file://"+f.dir+"\n"), 0o600))
	t.Setenv("HOME", home)
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_SSH_COMMAND", "touch "+trap)
	t.Setenv("GIT_TRACE", trap)
	_, err := f.fetch(f.git(nil), contract.GitSource{URL: "file://" + dir, Commit: commit}, nobody)
	require.NoError(t, err)
	require.NoFileExists(t, trap)
}
