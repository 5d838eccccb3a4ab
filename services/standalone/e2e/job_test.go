package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestAPackageLandsOnTenHostsAndIsLeftAgain(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, lasting)
	hosts := hosttest.Start(t, 9)
	withPassword := hosttest.Start(t, 1, hosttest.WithPassword())[0]
	names := s.addAll(t, hosts)
	bySecret := specOf(withPassword)
	bySecret["credential"] = map[string]any{"password": withPassword.Password}
	names = append(names, s.add(t, bySecret).Name)
	hosts = append(hosts, withPassword)
	watch(t, hosts)

	s.upload(t, app, "v1", "shop-v1.tar.gz", contentOf("v1", 64<<10).tarGz(t))
	s.upload(t, app, "v2", "shop-v2.tar.zst", contentOf("v2", 64<<10).tarZst(t))

	first := s.deploy(t, order{Application: app, Version: "v1", Servers: names})
	require.Equal(t, "deploy", first.Kind)
	require.Equal(t, len(hosts), first.Targets)
	s.succeed(t, first.ID)
	requireEveryStep(t, s.targets(t, first.ID), "", "v1", "connect", "stage", "switch", "clean")

	second := s.deploy(t, order{Application: app, Version: "v2", Servers: names})
	s.succeed(t, second.ID)
	requireEveryStep(t, s.targets(t, second.ID), "v1", "v2", "connect", "stage", "switch", "clean")
	for _, held := range s.releases(t, app, names...) {
		require.Nil(t, held.Failure)
		require.Equal(t, "v2", held.Current)
		require.True(t, held.Intact)
		require.Equal(t, "v1", held.Previous)
		require.Len(t, held.Releases, 2)
	}

	back := s.rollBack(t, second.ID)
	require.Equal(t, "rollback", back.Kind)
	require.Equal(t, second.ID, back.RollbackOf)
	require.NotEqual(t, second.ID, back.ID)
	s.succeed(t, back.ID)
	requireEveryStep(t, s.targets(t, back.ID), "v2", "v1", "connect", "switch", "clean")
	for _, h := range hosts {
		requireRuns(t, h, "v1")
	}

	again := s.deploy(t, order{Application: app, Version: "v2", Servers: names})
	s.succeed(t, again.ID)
	for _, h := range hosts {
		requireRuns(t, h, "v2")
	}
	requireEvents(t, s)
	requireNoSecrets(t, s, hosts, nil)
}

// requireEveryStep fails the test unless each target went through these steps, one after the other, and changed from one
// release to the other.
func requireEveryStep(t *testing.T, targets map[string]target, from, to string, steps ...string) {
	t.Helper()
	require.NotEmpty(t, targets)
	for _, one := range targets {
		require.Equal(t, "succeeded", one.State)
		require.Equal(t, 1, one.Attempt)
		require.True(t, one.Changed)
		require.Equal(t, from, one.Previous)
		require.Equal(t, to, one.Release)
		require.Len(t, one.Steps, len(steps))
		at := one.StartedAt.Truncate(time.Millisecond)
		for i, did := range one.Steps {
			require.Equal(t, steps[i], did.Step)
			require.Equal(t, "succeeded", did.State)
			require.False(t, did.StartedAt.Before(at), "%s begins before what came before it has ended", did.Step)
			require.False(t, did.EndedAt.Before(did.StartedAt))
			at = did.EndedAt
		}
		require.False(t, one.EndedAt.Before(at))
	}
}

func requireEvents(t *testing.T, s *standalone) {
	t.Helper()
	checkStories(t, readEvents(t, openStreams(t, s.natsURL)))
}

// requireNoSecrets looks for what the hosts are logged in with, and for more, everywhere: while all runs, in the
// streams; and once it has stopped, in every file that is left, logs and answers included.
func requireNoSecrets(t *testing.T, s *standalone, hosts []*hosttest.Host, more secrets) {
	t.Helper()
	look := secrets{"the token": s.token}
	maps.Copy(look, more)
	for _, h := range hosts {
		look["the private key of "+h.Name] = keyMaterial(h.PrivateKeyPEM)
		if h.Password != "" {
			look["the password of "+h.Name] = h.Password
		}
	}
	js := openStreams(t, s.natsURL)
	awaitEmpty(t, js, contract.StreamJobs) // which is read only once all is taken
	look.requireNotInStreams(t, js)
	require.Zero(t, s.process.terminate())
	printed, err := os.ReadFile(s.process.log)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.process.log, tokenLine.ReplaceAll(printed, nil), 0o600)) // the announcement, once
	look.requireNotInFiles(t, s.dir)
}

func TestEveryFormatOfPackageIsUnpacked(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 2)
	names := s.addAll(t, hosts)
	for _, format := range []struct {
		version, filename, is string
		pack                  func(content, testing.TB) []byte
	}{
		{"1.0", "shop.tar.gz", "tar.gz", content.tarGz},
		{"2.0", "shop.tar.zst", "tar.zst", content.tarZst},
		{"3.0", "shop.zip", "zip", content.zip},
	} {
		p := s.upload(t, app, format.version, format.filename, format.pack(contentOf(format.version, 10<<10), t))
		require.Equal(t, format.is, p.Format)
		s.succeed(t, s.deploy(t, order{Application: app, Version: format.version, Servers: names}).ID)
		for _, h := range hosts {
			requireRuns(t, h, format.version)
		}
	}
	jar := content{"Main.class": "nothing"}.zip(t)
	require.Equal(t, "file", s.upload(t, app, "4.0", "shop-4.0.jar", jar).Format)
	s.succeed(t, s.deploy(t, order{Application: app, Version: "4.0", Servers: names}).ID)
	for _, h := range hosts {
		got, err := os.ReadFile(filepath.Join(h.Home, appPath, "current", "shop-4.0.jar"))
		require.NoError(t, err)
		require.Equal(t, jar, got, "a single file is released as it is")
	}
}

func TestAPackageIsFetchedFromAURL(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--gateway-fetch-allow=127.0.0.0/8")
	h := hosttest.Start(t, 1)[0]
	names := s.addAll(t, []*hosttest.Host{h})
	content := contentOf("v1", 1<<10).tarGz(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	t.Cleanup(elsewhere.Close)
	fetching := func(digest [sha256.Size]byte) request {
		return request{method: "POST", path: "/v1/packages", body: map[string]string{
			"application": app, "version": "v1", "url": elsewhere.URL + "/shop.tar.gz", "sha256": hex.EncodeToString(digest[:]),
		}}
	}
	a := s.answered(t, fetching(sha256.Sum256([]byte("another"))))
	require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s", a)
	require.Equal(t, "digest_mismatch", a.problem(t).Code)

	must[packageInfo](t, s.client, fetching(sha256.Sum256(content)), http.StatusCreated)
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: names}).ID)
	requireRuns(t, h, "v1")
}

func TestAWaveWithAFailedHostIsTheLast(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 6)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1")
	hosts[2].Stop()
	d := s.deploy(t, order{Application: app, Version: "v1", Servers: names, Strategy: &strategy{Type: "rolling", Batch: 2}})
	require.Equal(t, "failed", s.await(t, d.ID, patience).State)
	targets := s.targets(t, d.ID)
	for i, want := range []string{"succeeded", "succeeded", "failed", "", "skipped", "skipped"} {
		state := targets[names[i]].State
		if want == "" { // at work beside the one that failed: it ended before that was known, or between two steps
			require.Contains(t, []string{"succeeded", "cancelled", "skipped"}, state)
			continue
		}
		require.Equal(t, want, state)
		require.Equal(t, want == "succeeded", runs(t, hosts[i], appPath) == "v1")
	}
	requireEvents(t, s)
}

func TestTheNewestSuccessfulReleasesStay(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	h := hosttest.Start(t, 1)[0]
	names := s.addAll(t, []*hosttest.Host{h})
	for _, version := range []string{"v1", "v2", "v3", "v4", "v5"} {
		s.uploadVersions(t, 0, version)
		s.succeed(t, s.deploy(t, order{Application: app, Version: version, Servers: names, Keep: 2}).ID)
	}
	requireRuns(t, h, "v5")
	left, err := filepath.Glob(filepath.Join(h.Home, appPath, "releases", "*"))
	require.NoError(t, err)
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	require.Equal(t, []string{"v4", "v5"}, left)
}

func TestADeploymentIsFoundAsSoonAsItIsAccepted(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	names := s.addAll(t, hosttest.Start(t, 1))
	s.uploadVersions(t, 0, "v1")
	var accepted []string
	for range 50 {
		id := s.deploy(t, order{Application: app, Version: "v1", Servers: names}).ID
		accepted = append(accepted, id)
		for _, path := range []string{"/v1/deployments/" + id, "/v1/deployments/" + id + "/targets"} {
			a := s.answered(t, request{method: "GET", path: path})
			require.Equal(t, http.StatusOK, a.status, "%s", a)
		}
	}
	for _, id := range accepted {
		s.succeed(t, id)
	}
	require.Len(t, all[deployment](t, s.client, "/v1/deployments", nil), len(accepted))
	requireEvents(t, s)
}

func TestAFirstContactIsKeptAndAnotherKeyIsRefusedFromThenOn(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	h := hosttest.Start(t, 1)[0]
	unmet := specOf(h)
	delete(unmet, "host_key")
	added := s.add(t, unmet)
	s.uploadVersions(t, 0, "v1", "v2")
	deploy := func(version string) target {
		d := s.deploy(t, order{Application: app, Version: version, Servers: []string{h.Name}})
		s.await(t, d.ID, patience)
		return s.targets(t, d.ID)[h.Name]
	}

	a := s.answered(t, order{Application: app, Version: "v1", Servers: []string{h.Name}}.request(uniqueKey()))
	require.Equal(t, http.StatusUnprocessableEntity, a.status, "nobody allowed a first contact: %s", a)
	require.Equal(t, []string{"servers"}, a.problem(t).fields())

	s.change(t, added.ID, spec{"first_contact": true})
	require.Equal(t, "succeeded", deploy("v1").State)
	met := must[server](t, s.client, request{method: "GET", path: "/v1/servers/" + added.ID}, http.StatusOK)
	require.Equal(t, strings.Fields(h.HostKey)[:2], strings.Fields(met.HostKey)[:2])

	h.ReplaceHostKey()
	require.Equal(t, "host_key_changed", deploy("v2").Failure.Code)
	requireRuns(t, h, "v1")

	s.change(t, added.ID, spec{"host_key": h.HostKey})
	require.Equal(t, "succeeded", deploy("v2").State)
	requireRuns(t, h, "v2")
}
