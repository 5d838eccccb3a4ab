package hostcmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// own runs one of Slipway's own tasks.
func (h *host) own(token uint64, t Task) answer {
	h.t.Helper()
	t.Base, t.Deployment = base, "d"
	return h.with(t.Environment, token, t)
}

func TestAProcessIsFoundByPatternOrPidfile(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		name := fmt.Sprintf("slipway test $(%s) %d", h.name, os.Getpid())
		running := exec.Command("sh", "-c", "echo; read x", name)
		stdin, err := running.StdinPipe()
		require.NoError(t, err)
		stdout, err := running.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, running.Start())
		t.Cleanup(func() { _ = stdin.Close(); _ = running.Wait() })
		_, err = stdout.Read(make([]byte, 1)) // it has its name by now
		require.NoError(t, err)

		require.NoError(t, h.own(1, FindPattern(name, 0)).err)
		a := h.own(1, FindPattern(name, time.Hour))
		require.ErrorIs(t, a.err, ErrCommand)
		require.Contains(t, a.said[0], "not for 3600")
		a = h.own(1, FindPattern(name+"x", 0))
		require.ErrorIs(t, a.err, ErrCommand, "who looks does not find itself")
		require.Contains(t, a.said[0], "no such process runs")

		pidfile := filepath.Join(h.home, "it's a pid")
		a = h.own(1, FindPidfile(pidfile, 0))
		require.Contains(t, a.said[0], "names no process")
		require.NoError(t, os.WriteFile(pidfile, []byte(fmt.Sprintln(running.Process.Pid)), 0o644))
		require.NoError(t, h.own(1, FindPidfile(pidfile, 0)).err)
		require.NoError(t, os.WriteFile(pidfile, []byte("4194305"), 0o644)) // one more than there can be
		require.Contains(t, h.own(1, FindPidfile(pidfile, 0)).said[0], "no such process runs")
	})
}

// TestAUnitIsRestarted sees what systemctl and sudo are asked: systemd itself does not run where
// the tests do.
func TestAUnitIsRestarted(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		bin := t.TempDir()
		tell := "#!/bin/sh\necho \"${0##*/} $* ${XDG_RUNTIME_DIR-}\"\n"
		for _, program := range []string{"systemctl", "sudo"} {
			require.NoError(t, os.WriteFile(filepath.Join(bin, program), []byte(tell), 0o755))
		}
		id := func(uid string) {
			require.NoError(t, os.WriteFile(filepath.Join(bin, "id"), []byte("#!/bin/sh\necho "+uid+"\n"), 0o755))
		}
		h.path = bin + ":" + h.path
		id("0")
		require.Equal(t, "systemctl restart -- shop@$(x).service \n", h.own(1, RestartUnit("shop@$(x).service", false)).said[0])
		id("1000")
		require.Equal(t, "sudo -n systemctl restart -- shop \n", h.own(1, RestartUnit("shop", false)).said[0])
		require.Equal(t, "systemctl --user restart -- shop /run/user/1000\n", h.own(1, RestartUnit("shop", true)).said[0])
	})
}
