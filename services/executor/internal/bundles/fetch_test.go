package bundles

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const patience = time.Minute

// openObjects is the package store over a connection that fails at once while the
// broker is away, as those of services do.
func openObjects(t *testing.T, srv *bustest.Server, opts ...nats.Option) Objects {
	t.Helper()
	nc := srv.Connect(t, append(opts, nats.ReconnectBufSize(-1))...)
	b, err := bus.Open(t.Context(), nc, bus.Config{Replicas: 1, Retention: time.Hour}, zerolog.Nop())
	require.NoError(t, err)
	store, err := b.JetStream().ObjectStore(t.Context(), contract.ObjectsPackages)
	require.NoError(t, err)
	return Objects{Bus: b, Store: store, Stall: time.Second}
}

func newFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "package"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// whenSome calls do once some of the file was written.
func whenSome(f *os.File, do func()) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
			if info, err := f.Stat(); err != nil || info.Size() > 0 {
				break
			}
			<-time.After(time.Millisecond)
		}
		do()
	}()
	return done
}

func TestAFetchOutlastsABrokerThatIsAway(t *testing.T) {
	srv := bustest.Start(t)
	objects := openObjects(t, srv)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	_, err := objects.Store.PutBytes(t.Context(), "p", content)
	require.NoError(t, err)

	f := newFile(t)
	srv.Stop()
	fetched := make(chan error, 1)
	go func() { fetched <- objects.Fetch(context.Background(), contract.Package{ID: "p"}, f) }()
	srv.Restart()
	<-whenSome(f, srv.Restart) // and once more, in the midst of it
	require.NoError(t, <-fetched)
	got, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got), "what an earlier try wrote is gone")
}

func TestAFetchEndsWithItsContextWhileTheBrokerIsAway(t *testing.T) {
	srv := bustest.Start(t)
	objects := openObjects(t, srv)
	srv.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, objects.Fetch(ctx, contract.Package{ID: "p"}, newFile(t)), context.DeadlineExceeded)
}

// halting is a way to a broker on which nothing more comes, once so many bytes have, until it is opened.
type halting struct {
	*bustest.Server
	left            atomic.Int64
	reached, opened chan struct{}
}

type haltingConn struct {
	net.Conn
	way *halting
}

func (h *halting) InProcessConn() (net.Conn, error) {
	conn, err := h.Server.InProcessConn()
	return haltingConn{conn, h}, err
}

func (c haltingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	left := c.way.left.Add(-int64(n))
	if left < 0 {
		if left+int64(n) >= 0 {
			close(c.way.reached)
		}
		<-c.way.opened
	}
	return n, err
}

func TestAPackageThatIsDeletedWhileItIsFetchedIsMissing(t *testing.T) {
	srv := bustest.Start(t)
	other := openObjects(t, srv).Store
	_, err := other.PutBytes(t.Context(), "p", make([]byte, 64<<20)) // far more than the broker sends ahead
	require.NoError(t, err)
	way := &halting{Server: srv, reached: make(chan struct{}), opened: make(chan struct{})}
	way.left.Store(2 << 20)
	objects := openObjects(t, srv, nats.InProcessServer(way))

	f, fetched := newFile(t), make(chan error, 1)
	go func() { fetched <- objects.Fetch(context.Background(), contract.Package{ID: "p"}, f) }()
	select {
	case <-way.reached:
	case <-time.After(patience):
		require.FailNow(t, "it is not fetched")
	}
	require.NoError(t, other.Delete(t.Context(), "p"))
	close(way.opened)
	require.ErrorIs(t, <-fetched, ErrMissing)
}

func TestAFileThatCannotBeWrittenIsTheExecutorsOwnTrouble(t *testing.T) {
	objects := openObjects(t, bustest.Start(t))
	_, err := objects.Store.PutBytes(t.Context(), "p", []byte("content"))
	require.NoError(t, err)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	require.NoError(t, err)
	defer full.Close()
	require.ErrorIs(t, objects.Fetch(t.Context(), contract.Package{ID: "p"}, full), ErrLocal)
}
