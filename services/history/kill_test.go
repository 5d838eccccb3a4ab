package history_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/libs/storetest"
)

// buildHistory builds slipway-history and returns the path of the binary.
var buildHistory = sync.OnceValues(func() (string, error) {
	return proctest.Build("historytest", "services/history", "./cmd/slipway-history")
})

// TestAHistoryThatIsKilledInMidBatchLosesNothing kills it when targets are written and
// the headers that count them are not, and has another one go on.
func TestAHistoryThatIsKilledInMidBatchLosesNothing(t *testing.T) {
	w := newWorldWith(t, bustest.StartListening(t), storetest.StartEmbedded(t)) // whose socket one can stand before
	between := newBetween(t, w.store.URI)
	messages := w.stream(30, 40)
	for range 3 {
		w.publish(messages[:1500])
		messages = messages[1500:]
		held := between.holdHeaders()
		running := w.process(between.uri)
		select {
		case <-held:
		case <-time.After(deadline):
			require.FailNow(t, "no header is written")
		}
		running.Kill()
		require.Greater(t, w.newest("targets"), w.newest("deployments"))
	}
	w.publish(messages)
	running := w.process(between.uri)
	w.await(w.last)
	running.Kill()
	w.requireReplayed()
}

// process runs history as a process of its own.
func (w *world) process(storeURI string) *proctest.Child {
	w.t.Helper()
	binary, err := buildHistory()
	require.NoError(w.t, err)
	child, err := proctest.Start(exec.Command(binary, "--nats-url", w.broker.URL(),
		"--store-uri", storeURI, "--store-database", w.store.Database, "--store-single-writer"))
	require.NoError(w.t, err)
	w.t.Cleanup(child.Kill)
	return child
}

// newest is the last event that a document of a collection holds.
func (w *world) newest(collection string) uint64 {
	w.t.Helper()
	cursor, err := w.docs.Collection(collection).Find(w.t.Context(), bson.D{})
	require.NoError(w.t, err)
	var docs []struct{ Seq uint64 }
	require.NoError(w.t, cursor.All(w.t.Context(), &docs))
	var last uint64
	for _, d := range docs {
		last = max(last, d.Seq)
	}
	return last
}

// between stands between history and its store, and can keep headers from being written.
type between struct {
	uri  string // where it listens
	ctx  context.Context
	mu   sync.Mutex
	held chan struct{} // nil: nothing is to be held
	seen bool          // targets were written since holdHeaders
}

func newBetween(t *testing.T, uri string) *between {
	t.Helper()
	host, options, ok := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	require.True(t, ok, uri)
	store, err := url.QueryUnescape(host)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "between-") //nolint:usetesting // t.TempDir is too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "store.sock")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	b := &between{ctx: t.Context(), uri: "mongodb://" + url.QueryEscape(socket) + "/" + options}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); all.Wait() })
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.carry(client, store) })
		}
	})
	return b
}

// holdHeaders has the next write of headers that follows one of targets never arrive. What it
// returns is closed when that was sent.
func (b *between) holdHeaders() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.seen = make(chan struct{}), false
	return b.held
}

// carry serves one connection until either side ends it.
func (b *between) carry(client net.Conn, to string) {
	defer func() { _ = client.Close() }()
	server, err := (&net.Dialer{}).DialContext(b.ctx, "unix", to)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(client, server) })
	defer func() { _ = server.Close(); back.Wait() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if b.holds(buffer[:n]) {
			continue
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// holds says whether this is the beginning of a write of headers that is to be held.
func (b *between) holds(sent []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	writes := func(collection string) bool {
		name := fmt.Sprintf("\x00%c\x00\x00\x00%s\x00", len(collection)+1, collection)
		return bytes.Contains(sent, []byte("insert"+name)) || bytes.Contains(sent, []byte("update"+name))
	}
	b.seen = b.seen || writes("targets")
	if b.held == nil || !b.seen || !writes("deployments") {
		return false
	}
	close(b.held)
	b.held = nil
	return true
}
