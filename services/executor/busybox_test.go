package executor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// TestAHostWithBusyboxAloneIsDeployedTo has a real sshd whose sessions find nothing but
// busybox; its sh has applets of its own. Nothing here has sftp.
func TestAHostWithBusyboxAloneIsDeployedTo(t *testing.T) {
	const busybox = "/bin/busybox"
	applets, err := exec.Command(busybox, "--list").Output()
	require.NoError(t, err, "apt-get install busybox")
	dir := t.TempDir()
	for _, applet := range strings.Fields(string(applets)) {
		require.NoError(t, os.Symlink(busybox, filepath.Join(dir, applet)))
	}
	if _, err := os.Lstat(filepath.Join(dir, "flock")); err != nil { // Debian's build leaves it out
		flock, err := exec.LookPath("flock")
		require.NoError(t, err, "apt-get install util-linux")
		require.NoError(t, os.Symlink(flock, filepath.Join(dir, "flock")))
	}
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1, hosttest.WithForcedCommand(`PATH=`+dir+`; export PATH; exec sh -c "$SSH_ORIGINAL_COMMAND"`))[0]
	for _, version := range []string{"1.0", "2.0"} {
		ended := s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload(version, 100_000)}), h.Name)
		require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
		require.Equal(t, version, current(t, h))
	}
	back := s.await(s.offer(h.Name, contract.RollbackJob{Application: app, Target: s.target(h), From: "2.0"}), h.Name)
	require.Equal(t, "succeeded", back.State, "%+v", back.Failure)
	require.Equal(t, "1.0", current(t, h))
}
