package packages

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

func open(t *testing.T) (*Catalog, *bus.Bus) {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	c, err := Open(t.Context(), b, 1<<20, zerolog.Nop())
	require.NoError(t, err)
	return c, b
}

// chunksStored is how many chunks lie in the store.
func chunksStored(t *testing.T, c *Catalog) uint64 {
	t.Helper()
	info, err := c.content.stream.Info(t.Context())
	require.NoError(t, err)
	return info.State.Msgs
}

func TestWhatUploadsLeftBehindIsSwept(t *testing.T) {
	c, b := open(t)
	n := New{ID: xid.New().String(), Application: "app", Version: "1", Filename: "app"}
	_, created, err := c.Store(t.Context(), n, bytes.NewReader([]byte("content")))
	require.NoError(t, err)
	require.True(t, created)
	kept := chunksStored(t, c)

	// Died after the content was complete and before the record was written.
	content := bytes.Repeat([]byte("x"), 600<<10)
	orphan, err := newIncoming(n, bytes.NewReader(content), 1<<20)
	require.NoError(t, err)
	require.NoError(t, c.content.put(t.Context(), "orphan", orphan))
	// Died in the middle of the content.
	_, err = b.Publish(t.Context(), chunks+"half", "half.0", content[:1000])
	require.NoError(t, err)

	require.NoError(t, c.Sweep(t.Context(), time.Hour))
	require.Equal(t, kept+3+1+1, chunksStored(t, c), "what is young may be on its way")
	require.NoError(t, c.Sweep(t.Context(), 0))
	require.Equal(t, kept+1, chunksStored(t, c), "a mark that the object is gone is all that stays")
	_, err = c.Get(t.Context(), n.ID)
	require.NoError(t, err)
	got, err := c.content.objects.GetBytes(t.Context(), n.ID)
	require.NoError(t, err)
	require.Equal(t, "content", string(got))
	require.NoError(t, c.Sweep(t.Context(), 0), "once more")
}

func TestNothingIsSweptWhileItIsNotCertain(t *testing.T) {
	c, b := open(t)
	orphan, err := newIncoming(New{Filename: "app"}, bytes.NewReader([]byte("content")), 1<<20)
	require.NoError(t, err)
	require.NoError(t, c.content.put(t.Context(), "orphan", orphan))
	stored := chunksStored(t, c)

	_, err = b.JetStream().Publish(t.Context(), "$KV."+contract.BucketPackages+".bad", []byte("not JSON"))
	require.NoError(t, err)
	require.ErrorIs(t, c.Sweep(t.Context(), 0), mirror.ErrPartial, "the record may be the one that cannot be read")
	require.NoError(t, c.cells.Delete(t.Context(), "bad", 0))

	objects, err := c.content.objects.List(t.Context())
	require.NoError(t, err)
	known, err := c.known(t.Context())
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.sweepObjects(ended, objects, known, 0), context.Canceled)
	known.generation-- // as if the copy had been read anew since
	require.ErrorIs(t, c.sweepObjects(t.Context(), objects, known, 0), mirror.ErrPartial)
	require.Equal(t, stored, chunksStored(t, c))

	require.NoError(t, c.Sweep(t.Context(), 0))
	require.Less(t, chunksStored(t, c), stored)
}

func TestFilenamesInURLs(t *testing.T) {
	for location, want := range map[string]string{
		"http://x/a.tar.gz": "a.tar.gz", "http://x/a/b%20c.zip?x=y#z": "b c.zip", "http://x": "", "http://x/": "", "http://x/a/": "",
		"http://x/..": "", "http://x/-rf": "", "http://x/a%2Fb": "b",
	} {
		require.Equal(t, want, FilenameIn(location), location)
	}
}
