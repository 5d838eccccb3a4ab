package bundles

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// stallAfter is Objects.Stall where that is not set.
const stallAfter = 15 * time.Second

var (
	errWhole   = errors.New("all of it has come")
	errStalled = errors.New("nothing more comes")
)

// fetch writes the package to the file and compares it with what the command
// pinned: no store is trusted. It returns how many bytes it has.
func (c *Cache) fetch(ctx context.Context, p contract.Package, to *os.File) (size int64, err error) {
	if err := c.source.Fetch(ctx, p, to); err != nil {
		return 0, err
	}
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return 0, local(err)
	}
	sum := sha256.New()
	if size, err = io.Copy(sum, to); err != nil {
		return 0, local(err)
	}
	got := hex.EncodeToString(sum.Sum(nil))
	switch elsewhere := p.Source; {
	case elsewhere != nil && elsewhere.Git != nil: // pinned by its commit, which git compares with what it gets
		return size, nil
	case got != p.SHA256 || elsewhere == nil && size != p.Size:
		return 0, fmt.Errorf("%w: %d bytes with sha256 %s instead of %d with %s", ErrAltered, size, got, p.Size, p.SHA256)
	default:
		return size, nil
	}
}

// Objects is the object store of packages.
type Objects struct {
	Bus   *bus.Bus
	Store jetstream.ObjectStore
	// Stall is how long no byte may come before a fetch is begun anew: what was
	// deleted while it was read never ends otherwise. Default 15 s.
	Stall time.Duration
}

// Fetch implements Source. It repeats for as long as the broker does not answer
// and ctx allows.
func (o Objects) Fetch(ctx context.Context, p contract.Package, to *os.File) error {
	var broken error // of the file; kept from Repeat, which takes some of them for the network's
	err := bus.Repeat(ctx, func(ctx context.Context) error {
		out := &file{to: to}
		if out.broken = rewind(to); out.broken == nil {
			if err := o.read(ctx, p.ID, out); err != nil && out.broken == nil {
				return err
			}
		}
		broken = out.broken
		return nil
	})
	switch {
	case broken != nil:
		return local(broken)
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return ErrMissing
	case err != nil:
		return fmt.Errorf("read package: %w", err)
	default:
		return nil
	}
}

// read reads the object once. It reads the store's own format (NATS ADR-20) rather than
// calling its Get: that has up to 32 MiB in memory, the more the longer it reads. What came
// is not compared with the store's digest, as fetch has a better one.
//
// Where nothing comes, that is no end of the caller's context: the next try finds out whether
// the object is there.
func (o Objects) read(ctx context.Context, id string, to io.Writer) error {
	info, err := o.Store.GetInfo(ctx, id)
	if err != nil || info.Chunks == 0 {
		return err
	}
	stall := cmp.Or(o.Stall, stallAfter)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	left := info.Chunks
	chunks := "$O." + info.Bucket + ".C." + info.NUID
	err = o.Bus.Follow(ctx, "OBJ_"+info.Bucket, []string{chunks}, 0, func(chunk bus.Stored) error {
		watchdog.Reset(stall)
		if _, err := to.Write(chunk.Data); err != nil {
			return err
		}
		if left--; left == 0 {
			return errWhole
		}
		return nil
	})
	switch {
	case errors.Is(err, errWhole):
		return nil
	case errors.Is(err, errStalled):
		return errors.Join(bus.ErrUnavailable, err)
	}
	return err
}

// file remembers its own failure, so that a full disk is not taken for a broker
// that does not answer.
type file struct {
	to     *os.File
	broken error
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.to.Write(p)
	if err != nil {
		f.broken = err
	}
	return n, err
}

func rewind(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}
