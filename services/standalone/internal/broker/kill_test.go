package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/standalone/internal/broker"
)

// dirVariable makes this test binary a broker on the named directory, to be killed.
const dirVariable = "BROKER_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		serveAsChild(dir)
		return
	}
	os.Exit(m.Run())
}

func serveAsChild(dir string) {
	b, err := broker.New(broker.Config{Dir: dir, Listen: "127.0.0.1:0", Log: zerolog.New(os.Stderr)})
	if err == nil {
		err = b.Run(context.Background(), func() { fmt.Println(b.URL()) })
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestKilledProcessLosesNoAcknowledgedMessage(t *testing.T) {
	dir := t.TempDir()
	var acknowledged uint64
	for range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), dirVariable+"="+dir)
		child.Stderr = os.Stderr
		stdout, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		t.Cleanup(func() { _ = child.Process.Kill() })
		url, err := bufio.NewReader(stdout).ReadString('\n')
		require.NoError(t, err)

		js := connect(t, strings.TrimSpace(url), nats.NoReconnect())
		makeStream(t, js, 200)
		acknowledged += 200
		require.NoError(t, child.Process.Kill())
		_ = child.Wait() // "signal: killed"

		b, stop := start(t, broker.Config{Dir: dir})
		n := countMessages(t, connect(t, "", b.ClientOptions()...))
		require.Equal(t, acknowledged, n)
		stop()
	}
}
