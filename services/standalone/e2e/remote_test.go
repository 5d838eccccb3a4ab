package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// read is a file of a host, which links lead to as the host sees them.
func read(t *testing.T, h *hosttest.Host, path string) string {
	t.Helper()
	out, err := sshOutput(t, h, "cat -- "+path)
	require.NoError(t, err, "%s", out)
	return out
}

// sshOutput runs a command on a host by ssh.
func sshOutput(t *testing.T, h *hosttest.Host, command string) (string, error) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, h.PrivateKeyPEM, 0o600))
	out, err := exec.Command("ssh", "-i", key, "-p", fmt.Sprint(h.Port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "BatchMode=yes", h.User+"@"+h.Addr, command).CombinedOutput()
	return string(out), err
}

// startSupervisor runs supervisord on a host, as Debian sets it up.
func startSupervisor(t *testing.T, h *hosttest.Host) {
	t.Helper()
	out, err := sshOutput(t, h, "mkdir -p /var/log/supervisor /etc/supervisor/conf.d && supervisord -c /etc/supervisor/supervisord.conf")
	require.NoError(t, err, "%s", out)
	eventually(t, func() bool {
		_, err := sshOutput(t, h, "test -S /run/supervisor.sock || test -S /var/run/supervisor.sock")
		return err == nil
	}, "supervisord listens")
}
