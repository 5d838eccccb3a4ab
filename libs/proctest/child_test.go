package proctest_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

const patience = time.Minute

func TestAChildIsReapedWithItsStatus(t *testing.T) {
	c, err := proctest.Start(exec.Command("sh", "-c", "exit 7"))
	require.NoError(t, err)
	require.Equal(t, 7, c.Code())
	require.False(t, c.Running())
	c.Kill()

	c, err = proctest.Start(exec.Command("sleep", "1h"))
	require.NoError(t, err)
	require.True(t, c.Running())
	c.Kill()
	require.Equal(t, -1, c.Code())

	_, err = proctest.Start(exec.Command("/no/such/program"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.False(t, (*proctest.Child)(nil).Running())
}

// parent makes this program start a child of its own, say which, and wait to be killed.
const parent = "SLIPWAY_PROCTEST_PARENT"

func TestAChildDiesWithTheTests(t *testing.T) {
	if os.Getenv(parent) != "" {
		c, err := proctest.Start(exec.Command("sleep", "1h"))
		require.NoError(t, err)
		_, err = os.Stdout.WriteString("child " + strconv.Itoa(c.PID()) + "\n")
		require.NoError(t, err)
		c.Code()
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	said, out, err := os.Pipe()
	require.NoError(t, err)
	defer said.Close()
	tests := exec.Command(self, "-test.run", "^"+t.Name()+"$")
	tests.Env, tests.Stdout = append(os.Environ(), parent+"=yes"), out
	c, err := proctest.Start(tests)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "child ")))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, 0), "it runs")

	c.Kill()
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") // reaped, or waiting for whoever is to reap orphans
	}, patience, 10*time.Millisecond)
}

func TestTheTimeOfAProgramIsWhatItHasComputed(t *testing.T) {
	c, err := proctest.Start(exec.Command("sh", "-c", "while :; do :; done"))
	require.NoError(t, err)
	t.Cleanup(c.Kill)
	require.Eventually(t, func() bool {
		used, err := c.CPU()
		require.NoError(t, err)
		return used > 0
	}, patience, 10*time.Millisecond)
	c.Kill()
	_, err = c.CPU()
	require.ErrorIs(t, err, os.ErrNotExist)
}
