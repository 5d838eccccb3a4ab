package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// standalone is Slipway in one process.
type standalone struct {
	*client
	process *process
	data    string // its data directory
	dir     string // of all files of this test
	natsURL string // where its broker can be looked into
}

// tokenLine is how the first administrator's token is announced: alone on its line.
var tokenLine = regexp.MustCompile(`(?m)^\s*(slw_\S+)\s*$`)

// lasting is for tests that count attempts and kill no executor: one that a busy machine holds up does not lose its jobs.
const lasting = "--executor-job-ack-wait=60s"

// startStandalone runs slipway-standalone on a new data directory, with more flags than those it needs here.
func startStandalone(t testing.TB, flags ...string) *standalone {
	t.Helper()
	s := newStandalone(t, flags...)
	s.begin(t)
	return s
}

// begin runs it for the first time.
func (s *standalone) begin(t testing.TB) {
	t.Helper()
	s.process.start()
	url := s.process.awaitLog(`Slipway listens on (http://\S+)`)
	found := tokenLine.FindStringSubmatch(s.process.output())
	require.NotNil(t, found, "no token is announced:\n%s", s.process.output())
	s.client = newClient(t, s.dir, url, found[1])
}

func newStandalone(t testing.TB, flags ...string) *standalone {
	t.Helper()
	s := &standalone{dir: workDir(t)}
	s.data = filepath.Join(s.dir, "data")
	nats := "127.0.0.1:" + strconv.Itoa(proctest.ReservePort(t))
	s.natsURL = "nats://" + nats
	s.process = newProcess(t, s.dir, "standalone", "slipway-standalone", append([]string{
		"--data", s.data,
		"--gateway-listen", fmt.Sprintf("127.0.0.1:%d", proctest.ReservePort(t)),
		"--nats-listen", nats,
	}, flags...)...)
	return s
}
