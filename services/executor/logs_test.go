package executor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestTheEndOfALogIsShownWhereThatIsAllowed(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 2)
	own := t.TempDir()
	s.executor(func(c *Config) { c.Logs.Allow = append(c.Logs.Allow, own+"/*.log") })
	logs := filepath.Join(h[0].Home, app.Path, "shared/log")
	require.NoError(t, os.MkdirAll(filepath.Join(logs, "deep"), 0o755))
	for _, file := range []string{filepath.Join(logs, "app.log"), filepath.Join(logs, "deep/er"), filepath.Join(own, "a.log"), filepath.Join(own, "a.key")} {
		require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("x", 100<<10)+"\n one\xff\ntwo\n"), 0o644))
	}
	targets := []contract.Target{s.target(h[0]), s.target(h[1])}
	tail := func(file string) []contract.HostLog {
		ask, err := contract.Encode(contract.Envelope{}, contract.TailLogs{Path: app.Path, File: file, Lines: 3, Targets: targets})
		require.NoError(t, err)
		reply, err := s.bus.Conn().Request(contract.LogsSubject(""), ask, patience)
		require.NoError(t, err)
		m, err := contract.Decode(reply.Data)
		require.NoError(t, err)
		require.IsType(t, contract.Logs{}, m.Body)
		return m.Body.(contract.Logs).Hosts
	}
	rows := tail("shared/log/app.log")
	require.Equal(t, h[0].Name, rows[0].Host)
	require.Len(t, rows[0].Lines, 3)
	require.Less(t, len(rows[0].Lines[0]), contract.TailBytes)
	require.Equal(t, []string{" one\uFFFD", "two"}, rows[0].Lines[1:])
	require.Equal(t, contract.FailFileMissing, rows[1].Failure.Code)
	require.Len(t, tail(own + "/a.log")[0].Lines, 3)
	for _, forbidden := range []string{"shared/log/deep/er", own + "/a.key", "/etc/passwd", "shared/log/../../x", ".env"} {
		require.Equal(t, contract.FailFileForbidden, tail(forbidden)[0].Failure.Code, forbidden)
	}
}

func TestPatternsOfLogsAreChecked(t *testing.T) {
	var c LogsConfig
	config.Defaults(&c)
	require.Empty(t, c.Validate())
	require.Len(t, LogsConfig{Allow: []string{"/var/log/[", "a/../b", "/var/log/*"}}.Validate(), 2)
}
