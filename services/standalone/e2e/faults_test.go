package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// impatient are flags for an executor that gives up on a silent host within seconds, and on a slow one within a minute: that
// is longer than a transfer that is met half way, and then silence, which is noticed after 5 s and tried twice more, 10 s
// each.
var impatient = []string{
	"--executor-ssh-connect-timeout=10s", "--executor-ssh-keep-alive=1s", "--executor-ssh-max-missed=3",
	"--executor-job-step-timeout=60s", lasting,
}

// fault is one way in which a host fails a deployment of v2, which it had v1 before.
type fault struct {
	code string
	opts []hosttest.Option
	rate int // of the line to it, in bytes a second; 0: as fast as it goes
	// spoil breaks the host before the deployment.
	spoil func(t *testing.T, s *standalone, h *hosttest.Host, server string)
	// meanwhile breaks it once bytes are on their way to it.
	meanwhile func(h *hosttest.Host)
	// mend undoes what would keep the test from looking at the host.
	mend func(h *hosttest.Host)
}

// theBallast is how much of a release does not compress: more than the small disk holds beside v1, and on slow lines
// as much as takes a while.
const theBallast = 6 << 20

// Rates of slow lines, in bytes a second. Even on the slowest one, a host is heard of each second or two: it is not silent.
const (
	halfWay = theBallast / 24 // it is met half way
	tooSlow = theBallast / 90 // it is given up on
)

var faults = map[string]fault{
	"unreachable": {
		code:  contract.FailUnreachable,
		spoil: func(_ *testing.T, _ *standalone, h *hosttest.Host, _ string) { h.Stop() },
	},
	"wrong key": {
		code: contract.FailAuth,
		spoil: func(t *testing.T, s *standalone, _ *hosttest.Host, server string) {
			stranger := hosttest.Start(t, 1)[0]
			s.change(t, server, spec{"credential": map[string]any{"private_key": string(stranger.PrivateKeyPEM)}})
		},
	},
	"changed host key": {
		code:  contract.FailHostKeyChanged,
		spoil: func(_ *testing.T, _ *standalone, h *hosttest.Host, _ string) { h.ReplaceHostKey() },
	},
	"full disk": {
		code: contract.FailDiskFull,
		opts: []hosttest.Option{hosttest.WithSmallDisk(4 << 20)},
	},
	"disk that fills up in mid-transfer": {
		code: contract.FailDiskFull,
		opts: []hosttest.Option{hosttest.WithSmallDisk(8 << 20)},
		rate: halfWay,
		meanwhile: func(h *hosttest.Host) {
			// What another program writes meanwhile; it takes what it gets.
			_ = os.WriteFile(filepath.Join(h.Home, "core"), make([]byte, 8<<20), 0o600)
		},
	},
	"silence in mid-transfer": {
		code:      contract.FailStalled,
		rate:      halfWay,
		meanwhile: (*hosttest.Host).Freeze,
		mend:      (*hosttest.Host).Thaw,
	},
	"line that is too slow": {
		code: contract.FailDeadline,
		rate: tooSlow,
	},
	"something in the way of current": {
		code: contract.FailCurrentNotALink,
		spoil: func(t *testing.T, _ *standalone, h *hosttest.Host, _ string) {
			current := filepath.Join(h.Home, appPath, "current")
			require.NoError(t, os.Rename(current, current+".kept"))
			require.NoError(t, os.Mkdir(current, 0o755))
		},
		mend: func(h *hosttest.Host) {
			current := filepath.Join(h.Home, appPath, "current")
			_ = os.Remove(current) // fails unless it is still the empty directory
			_ = os.Rename(current+".kept", current)
		},
	},
	"directory that cannot be written": {
		code: contract.FailPermission,
		spoil: func(t *testing.T, _ *standalone, h *hosttest.Host, _ string) {
			readOnly(t, filepath.Join(h.Home, appPath))
		},
	},
	"version with other content": {
		code: contract.FailReleaseConflict,
		spoil: func(t *testing.T, _ *standalone, h *hosttest.Host, _ string) {
			// As another installation of Slipway left it.
			base := filepath.Join(h.Home, appPath)
			require.NoError(t, os.Mkdir(filepath.Join(base, "releases", "v2"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(base, ".slipway", "releases", "v2"),
				[]byte("digest=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"), 0o600))
		},
	},
}

// readOnly makes a directory one that even root cannot write to, until the test ends.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, syscall.Mount(dir, dir, "", syscall.MS_BIND, ""))
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	require.NoError(t, syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
}

func TestEachFaultFailsItsHostAloneAndLeavesItAsItWas(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, impatient...)
	good := hosttest.Start(t, 4)
	names := s.addAll(t, good)
	bad, servers := map[string]*hosttest.Host{}, map[string]server{}
	for _, what := range sortedKeys(faults) {
		h := hosttest.Start(t, 1, faults[what].opts...)[0]
		description := specOf(h)
		if rate := faults[what].rate; rate > 0 {
			description = slowly(t, h, steady(rate))
		}
		description["name"] = what
		bad[what], servers[what] = h, s.add(t, description)
		names = append(names, what)
	}
	s.uploadVersions(t, 1<<10, "v1")
	s.uploadVersions(t, theBallast, "v2")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: names}).ID)

	for what, f := range faults {
		if f.spoil != nil {
			f.spoil(t, s, bad[what], servers[what].ID)
		}
	}
	d := s.deploy(t, order{Application: app, Version: "v2", Servers: names})
	for what, f := range faults {
		if f.meanwhile != nil {
			awaitTarget(t, s.client, d.ID, func(one target) bool { return one.Name == what && inTransfer(one) })
			f.meanwhile(bad[what])
		}
	}
	ended := s.await(t, d.ID, patience)
	require.Equal(t, "failed", ended.State)
	require.Equal(t, len(faults), ended.Counts.Failed, "%s", s.describe(t, d.ID))
	require.Equal(t, len(good), ended.Counts.Succeeded, "%s", s.describe(t, d.ID))

	targets := s.targets(t, d.ID)
	for what, f := range faults {
		require.NotNil(t, targets[what].Failure, what)
		require.Equal(t, f.code, targets[what].Failure.Code, "%s: %s", what, targets[what].Failure.Reason)
		require.NotEmpty(t, targets[what].Failure.Reason)
		require.Equal(t, 1, targets[what].Attempt, what)
		require.False(t, targets[what].Changed)
		if f.mend != nil {
			f.mend(bad[what])
		}
		requireRuns(t, bad[what], "v1")
	}
	for _, h := range good {
		requireRuns(t, h, "v2")
	}
	requireEvents(t, s)
	requireNoSecrets(t, s, append(good, bad["wrong key"], bad["full disk"]), nil)
}

func TestABadPackageIsRefusedByEveryHostAndNothingIsSwitched(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--executor-cache-max-unpacked=32MiB", "--executor-cache-max-entries=1000")
	hosts := hosttest.Start(t, 10)
	names := s.addAll(t, hosts)
	watch(t, hosts)
	s.uploadVersions(t, 0, "good")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "good", Servers: names}).ID)

	whole := contentOf("cut", 256<<10).tarGz(t)
	for version, bad := range map[string]struct {
		code    string
		content []byte
	}{
		"truncated": {contract.FailPackageCorrupt, whole[:len(whole)/2]},
		"garbled":   {contract.FailPackageCorrupt, garbled(whole)},
		"absolute":  {contract.FailPackageRefused, entries(t, file("/etc/cron.d/evil"))},
		"dotdot":    {contract.FailPackageRefused, entries(t, file("../../evil"))},
		"linkout":   {contract.FailPackageRefused, entries(t, symlink("out", "../../.."), file("out/evil"))},
		"abslink":   {contract.FailPackageRefused, entries(t, symlink("out", "/etc"))},
		"device":    {contract.FailPackageRefused, entries(t, device("sda"))},
		"bomb":      {contract.FailPackageRefused, entries(t, sized("zeros", 64<<20))},
		"swarm":     {contract.FailPackageRefused, entries(t, swarm(2000)...)},
	} {
		s.upload(t, app, version, "shop.tar.gz", bad.content)
		d := s.deploy(t, order{Application: app, Version: version, Servers: names})
		require.Equal(t, "failed", s.await(t, d.ID, patience).State, version)
		for _, one := range s.targets(t, d.ID) {
			require.NotNil(t, one.Failure, "%s: %+v", version, one)
			require.Equal(t, bad.code, one.Failure.Code, "%s: %s", version, one.Failure.Reason)
			require.False(t, one.Changed)
		}
	}
	for _, h := range hosts {
		requireRuns(t, h, "good")
		requireNothingStaged(t, h)
		left, err := filepath.Glob(filepath.Join(h.Home, appPath, "releases", "*"))
		require.NoError(t, err)
		require.Len(t, left, 1)
	}
}

func TestWhatIsNoPackageIsRefusedAtTheDoor(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--gateway-limits-max-package=1MiB")
	a := s.answered(t, uploading(app, "v1", "shop.tar.gz", []byte("<html>404 Not Found</html>")))
	require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s", a)
	a = s.answered(t, uploading(app, "v1", "shop.tar.gz", contentOf("v1", 2<<20).tarGz(t)))
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status, "%s", a)
	require.Empty(t, all[packageInfo](t, s.client, "/v1/packages", nil))
}
