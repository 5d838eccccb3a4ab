package bundles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// counting counts fetches and can be made to fail.
type counting struct {
	Source
	fetches atomic.Int32
	fail    atomic.Pointer[error]
}

func (c *counting) Fetch(ctx context.Context, p contract.Package, to *os.File) error {
	c.fetches.Add(1)
	if err := c.fail.Load(); err != nil {
		return *err
	}
	return c.Source.Fetch(ctx, p, to)
}

type setting struct {
	t      *testing.T
	store  jetstream.ObjectStore
	source *counting
	dir    string
}

func newSetting(t *testing.T) *setting {
	t.Helper()
	objects := openObjects(t, bustest.Start(t))
	return &setting{t: t, store: objects.Store, source: &counting{Source: objects}, dir: t.TempDir()}
}

func (s *setting) open(bound int64) *Cache {
	s.t.Helper()
	c, err := Open(s.dir, bound, archive.DefaultLimits(), s.source)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, c.Close()) })
	return c
}

// upload stores content as a package of one file and returns what a command
// would say of it.
func (s *setting) upload(id, content string) contract.Package {
	s.t.Helper()
	_, err := s.store.PutBytes(s.t.Context(), id, []byte(content))
	require.NoError(s.t, err)
	sum := sha256.Sum256([]byte(content))
	return contract.Package{
		ID: id, Version: "1", Filename: "app.bin", Format: string(archive.FormatFile),
		Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
	}
}

func TestAPackageIsFetchedOnceForAllWhoAsk(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	p := s.upload("p", "content")
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			b, err := c.Take(context.Background(), p)
			if err != nil {
				t.Error(err)
				return
			}
			defer b.Release()
			content, err := os.ReadFile(b.entry.path)
			sum := sha256.Sum256(content)
			if err != nil || hex.EncodeToString(sum[:]) != b.SHA256 {
				t.Errorf("the bundle on disk is not what its manifest says (%v)", err)
			}
		})
	}
	asking.Wait()
	require.EqualValues(t, 1, s.source.fetches.Load())
}

func TestWhatIsNotWhatWasUploadedIsRefusedAndNotKept(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	p := s.upload("p", "content")
	_, err := s.store.PutBytes(t.Context(), "p", []byte("c0ntent"))
	require.NoError(t, err)
	_, err = c.Take(t.Context(), p)
	require.ErrorIs(t, err, ErrAltered)

	_, err = s.store.PutBytes(t.Context(), "p", []byte("content"))
	require.NoError(t, err)
	b, err := c.Take(t.Context(), p)
	require.NoError(t, err, "a later try finds it in order")
	b.Release()
}

func TestADamagedBundleIsMadeAnew(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	p := s.upload("p", "content")
	b, err := c.Take(t.Context(), p)
	require.NoError(t, err)
	require.NoError(t, b.Verify())
	require.NoError(t, os.WriteFile(b.entry.path, []byte("rot"), 0o600))
	require.ErrorIs(t, b.Verify(), ErrDamaged)

	again, err := c.Take(t.Context(), p)
	require.NoError(t, err)
	require.NoError(t, again.Verify())
	require.EqualValues(t, 2, s.source.fetches.Load())
	b.Release()
	require.NoFileExists(t, b.entry.path)
	require.FileExists(t, again.entry.path)
	again.Release()
}

func TestADeletedPackageIsMissing(t *testing.T) {
	s := newSetting(t)
	_, err := s.open(1<<20).Take(t.Context(), contract.Package{ID: "gone"})
	require.ErrorIs(t, err, ErrMissing)
}

func TestAFailedFetchIsTriedAnewByTheNext(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	p := s.upload("p", "content")
	broken := errors.New("broker away")
	s.source.fail.Store(&broken)
	_, err := c.Take(t.Context(), p)
	require.ErrorIs(t, err, broken)
	s.source.fail.Store(nil)
	b, err := c.Take(t.Context(), p)
	require.NoError(t, err)
	b.Release()
	require.Len(t, s.files(), 1, "nothing of the failed try stays")
}

func TestTheCacheKeepsToItsBoundAndToWhatIsInUse(t *testing.T) {
	s := newSetting(t)
	c := s.open(1) // nothing may stay but what is used, and the newest
	first, err := c.Take(t.Context(), s.upload("a", strings.Repeat("a", 1000)))
	require.NoError(t, err)
	second, err := c.Take(t.Context(), s.upload("b", strings.Repeat("b", 1000)))
	require.NoError(t, err)
	require.FileExists(t, first.entry.path, "it is in use")
	first.Release()
	first.Release()
	require.NoFileExists(t, first.entry.path)
	require.FileExists(t, second.entry.path)
	second.Release()
	require.LessOrEqual(t, len(s.files()), 1)
}

func TestWhatAProcessThatDiedLeftIsRemovedAndTheLivingAreLeftAlone(t *testing.T) {
	s := newSetting(t)
	dead := filepath.Join(s.dir, "executor-dead")
	require.NoError(t, os.Mkdir(dead, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dead, lockName), nil, 0o600))
	living := s.open(1 << 20)
	s.open(1 << 20)
	require.NoDirExists(t, dead)
	require.DirExists(t, living.dir)
}

func TestTheCacheGoesOnAfterItsDirectoryWasRemoved(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	p := s.upload("p", "content")
	b, err := c.Take(t.Context(), p)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(s.dir))
	_, err = b.Open()
	require.ErrorIs(t, err, ErrLocal)
	b.Release()

	for _, p := range []contract.Package{p, s.upload("q", "more")} {
		b, err := c.Take(t.Context(), p)
		require.NoError(t, err)
		file, err := b.Open()
		require.NoError(t, err)
		require.NoError(t, file.Close())
		b.Release()
	}
	s.open(1 << 20) // as another process would
	require.DirExists(t, c.dir, "the new directory is claimed as the old one was")
}

func TestTroubleWithTheDiskIsTheExecutorsOwn(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	require.NoError(t, os.RemoveAll(s.dir))
	require.NoError(t, os.WriteFile(s.dir, nil, 0o600))
	t.Cleanup(func() { require.NoError(t, os.Remove(s.dir)) })
	_, err := c.Take(t.Context(), s.upload("p", "content"))
	require.ErrorIs(t, err, ErrLocal)
	require.NotErrorIs(t, err, ErrNoRoom)
	require.ErrorIs(t, local(&os.PathError{Err: syscall.ENOSPC}), ErrNoRoom)
}

func TestCloseEndsWhatIsBeingMade(t *testing.T) {
	s := newSetting(t)
	c, err := Open(s.dir, 1<<20, archive.DefaultLimits(), stuck(make(chan struct{}, 1)))
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := c.Take(context.Background(), contract.Package{ID: "p"})
		failed <- err
	}()
	<-c.source.(stuck)
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-failed, context.Canceled)
	_, err = c.Take(t.Context(), contract.Package{ID: "p"})
	require.ErrorIs(t, err, ErrClosed)
	require.Empty(t, s.files())
}

// stuck is a source that says when it is asked, and never answers.
type stuck chan struct{}

func (s stuck) Fetch(ctx context.Context, _ contract.Package, _ *os.File) error {
	s <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// files lists the bundles and packages in all caches of the setting.
func (s *setting) files() []string {
	s.t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "executor-*", "[bp]*-*"))
	require.NoError(s.t, err)
	return names
}
