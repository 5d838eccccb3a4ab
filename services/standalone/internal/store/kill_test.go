package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// dirVariable makes this test binary a store on the named directory, to be killed.
const dirVariable = "STORE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		serveAsChild(dir)
		return
	}
	os.Exit(m.Run())
}

func serveAsChild(dir string) {
	s, err := store.New(childConfig(dir))
	if err == nil {
		err = s.Run(context.Background(), func() { fmt.Println("ready") })
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func childConfig(dir string) store.Config {
	return store.Config{Dir: dir, Database: "slipway", Collections: []string{"deployments"}, Log: zerolog.New(os.Stderr)}
}

func TestKilledProcessLosesNoAcknowledgedDocumentAndPrintsNothing(t *testing.T) {
	cfg := childConfig(t.TempDir())
	s, err := store.New(cfg)
	require.NoError(t, err)
	for round := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), dirVariable+"="+cfg.Dir)
		child.Stderr = os.Stderr
		stdout, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		t.Cleanup(func() { _ = child.Process.Kill() })
		out := bufio.NewReader(stdout)
		line, err := out.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "ready\n", line)

		acknowledged := writeUntilKilled(t, s.URI(), round, child)
		rest, err := io.ReadAll(out)
		require.NoError(t, err)
		require.Empty(t, rest, "nothing but what the caller prints is on stdout")
		_ = child.Wait() // "signal: killed"

		s, stop := start(t, cfg)
		client, leave := connect(t, s.URI())
		n, err := client.Database("slipway").Collection("deployments").CountDocuments(t.Context(), bson.M{"round": round})
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, acknowledged)
		leave()
		stop()
	}
}

// writeUntilKilled kills the child in the middle of its writes and returns how many it had acknowledged.
func writeUntilKilled(t *testing.T, uri string, round int, child *exec.Cmd) int64 {
	t.Helper()
	client, leave := connect(t, uri)
	defer leave()
	c := client.Database("slipway").Collection("deployments")
	var acknowledged atomic.Int64
	killed := make(chan struct{})
	enough := make(chan struct{})
	go func() {
		<-enough
		_ = child.Process.Kill()
		close(killed)
	}()
	for i := 0; ; i++ {
		if i == 100 {
			close(enough)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := c.ReplaceOne(ctx, bson.M{"_id": fmt.Sprintf("%d-%d", round, i)}, bson.M{"round": round},
			options.Replace().SetUpsert(true))
		cancel()
		if err != nil {
			break
		}
		acknowledged.Add(1)
	}
	require.GreaterOrEqual(t, acknowledged.Load(), int64(100))
	<-killed
	return acknowledged.Load()
}
