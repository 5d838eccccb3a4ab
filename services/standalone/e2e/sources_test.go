package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// repository makes a git repository with this content on the branch main, and
// returns its directory and a way to commit more.
func repository(t *testing.T, c content) (dir string, commit func(content)) {
	t.Helper()
	dir = t.TempDir()
	git := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a",
			"GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "git %v: %s", args, out)
	}
	commit = func(c content) {
		for name, text := range c {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		git("add", "--all")
		git("commit", "--quiet", "-m", "a commit")
	}
	git("init", "--quiet", "--initial-branch=main")
	commit(c)
	return dir, commit
}

func TestPackagesAreDeployedFromWhereTheyStay(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--executor-sources-allow", "127.0.0.0/8")
	hosts := hosttest.Start(t, 4)
	forge, hosts := hosts[0], hosts[1:]
	names := s.addAll(t, hosts)
	const token = "canary-of-the-depot"
	archive := contentOf("v1", 64<<10).tarGz(t)
	depot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(archive)
	}))
	t.Cleanup(depot.Close)
	known := func(version string, source map[string]any) {
		must[packageInfo](t, s.client, request{
			method: "POST", path: "/v1/packages", body: map[string]any{"application": app, "version": version, "source": source},
		}, http.StatusCreated)
	}
	deploy := func(version string) {
		s.succeed(t, s.deploy(t, order{Application: app, Version: version, Servers: names}).ID)
		for _, h := range hosts {
			requireRuns(t, h, version)
		}
	}

	sum := sha256.Sum256(archive)
	known("v1", map[string]any{"url": map[string]any{
		"url": depot.URL + "/shop.tar.gz", "sha256": hex.EncodeToString(sum[:]), "credential": map[string]any{"token": token},
	}})
	deploy("v1")

	dir, commit := repository(t, contentOf("v2", 0))
	known("v2", map[string]any{"git": map[string]any{
		"url": fmt.Sprintf("ssh://%s@%s:%d%s", forge.User, forge.Addr, forge.Port, dir), "ref": "main", "host_key": forge.HostKey,
		"credential": map[string]any{"private_key": string(forge.PrivateKeyPEM)},
	}})
	commit(contentOf("v3", 0)) // the branch goes on, the package does not
	deploy("v2")

	requireNoSecrets(t, s, append(hosts, forge), secrets{"the token of the depot": token})
}
