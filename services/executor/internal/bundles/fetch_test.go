package bundles

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const patience = 30 * time.Second

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

func TestAPackageThatIsDeletedWhileItIsFetchedIsMissing(t *testing.T) {
	srv := bustest.Start(t)
	store := openStore(t, srv)
	_, err := store.PutBytes(t.Context(), "p", make([]byte, 64<<20))
	require.NoError(t, err)
	f := newFile(t)
	var deleted error
	done := whenSome(f, func() { deleted = openStore(t, srv).Delete(context.Background(), "p") })
	err = Objects{Store: store, Stall: 200 * time.Millisecond}.Fetch(t.Context(), contract.Package{ID: "p"}, f)
	<-done
	require.NoError(t, deleted)
	require.ErrorIs(t, err, ErrMissing)
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
