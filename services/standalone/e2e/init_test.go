package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/supervisortest"
)

func TestAnInitIsCarriedOutAndRemembered(t *testing.T) {
	visor := supervisortest.Start(t, nil)
	s := startStandalone(t, "--executor-supervisor-directory", visor.Conf)
	h := hosttest.Start(t, 1)[0]
	s.add(t, specOf(h))
	runs := filepath.Join(h.Home, "runs")
	ask := func(content string) deployment {
		return must[deployment](t, s.client, request{
			method: "POST", path: "/v1/applications/" + app + "/init", header: map[string]string{"Idempotency-Key": uniqueKey()},
			body: map[string]any{"servers": []string{h.Name}, "supervisor": map[string]string{"content": content, "socket": visor.Socket}},
		}, http.StatusAccepted)
	}
	good := "[program:" + app + "]\ncommand=/bin/sh -c \"echo x >" + runs + "; exec sleep 600\"\nstartsecs=0\n"
	first := ask(good)
	require.Equal(t, "init", first.Kind)
	s.succeed(t, first.ID)
	require.Eventually(t, func() bool { _, err := os.Stat(runs); return err == nil }, patience, 5*time.Millisecond)

	bad := s.await(t, ask("[program:"+app+"]\n").ID, patience)
	require.Equal(t, "failed", bad.State)
	told := s.targets(t, bad.ID)[h.Name]
	require.Equal(t, "setup_failed", told.Failure.Code)
	require.Contains(t, told.Failure.Reason, "does not specify a command")
	content, err := os.ReadFile(filepath.Join(visor.Conf, app+".conf"))
	require.NoError(t, err)
	require.Equal(t, good, string(content))
}
