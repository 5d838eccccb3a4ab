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
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const patience = time.Minute

// openStore is the package store over a connection that fails at once while the
// broker is away, as those of services do.
func openStore(t *testing.T, srv *bustest.Server) jetstream.ObjectStore {
	t.Helper()
	js, err := jetstream.New(srv.Connect(t, nats.ReconnectBufSize(-1)))
	require.NoError(t, err)
	store, err := js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: contract.ObjectsPackages})
	require.NoError(t, err)
	return store
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
	store := openStore(t, srv)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	_, err := store.PutBytes(t.Context(), "p", content)
	require.NoError(t, err)

	f := newFile(t)
	srv.Stop()
	fetched := make(chan error, 1)
	go func() {
		fetched <- Objects{Store: store, Stall: time.Second}.Fetch(context.Background(), contract.Package{ID: "p"}, f)
	}()
	srv.Restart()
	<-whenSome(f, srv.Restart) // and once more, in the midst of it
	require.NoError(t, <-fetched)
	got, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got), "what an earlier try wrote is gone")
}

func TestAFetchEndsWithItsContextWhileTheBrokerIsAway(t *testing.T) {
	srv := bustest.Start(t)
	store := openStore(t, srv)
	srv.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, Objects{Store: store}.Fetch(ctx, contract.Package{ID: "p"}, newFile(t)), context.DeadlineExceeded)
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
	other := openStore(t, srv)
	_, err := other.PutBytes(t.Context(), "p", make([]byte, 64<<20)) // far more than the broker sends ahead
	require.NoError(t, err)
	way := &halting{Server: srv, reached: make(chan struct{}), opened: make(chan struct{})}
	way.left.Store(2 << 20)
	js, err := jetstream.New(srv.Connect(t, nats.InProcessServer(way)))
	require.NoError(t, err)
	store, err := js.ObjectStore(t.Context(), contract.ObjectsPackages)
	require.NoError(t, err)

	f, fetched := newFile(t), make(chan error, 1)
	go func() {
		fetched <- Objects{Store: store, Stall: time.Second}.Fetch(context.Background(), contract.Package{ID: "p"}, f)
	}()
	select {
	case <-way.reached:
	case <-time.After(patience):
		require.FailNow(t, "it is not fetched")
	}
	require.NoError(t, other.Delete(t.Context(), "p"))
	close(way.opened)
	require.ErrorIs(t, <-fetched, ErrMissing)
}

func TestContentThatDoesNotFitItsDigestIsAltered(t *testing.T) {
	srv := bustest.Start(t)
	store := openStore(t, srv)
	info, err := store.PutBytes(t.Context(), "p", []byte("content"))
	require.NoError(t, err)
	nc := srv.Connect(t)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "$O."+contract.ObjectsPackages+".C."+info.NUID, []byte("more"))
	require.NoError(t, err)
	require.ErrorIs(t, Objects{Store: store}.Fetch(t.Context(), contract.Package{ID: "p"}, newFile(t)), ErrAltered)
}

func TestAFileThatCannotBeWrittenIsTheExecutorsOwnTrouble(t *testing.T) {
	store := openStore(t, bustest.Start(t))
	_, err := store.PutBytes(t.Context(), "p", []byte("content"))
	require.NoError(t, err)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	require.NoError(t, err)
	defer full.Close()
	require.ErrorIs(t, Objects{Store: store}.Fetch(t.Context(), contract.Package{ID: "p"}, full), ErrLocal)
}
