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

const (
	// stallAfter is Objects.Stall where that is not set.
	stallAfter = 15 * time.Second
	// readFor is how long one read of an object waits. It bounds how late the end
	// of a context is noticed.
	readFor = time.Second
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
	case errors.Is(err, jetstream.ErrDigestMismatch):
		return fmt.Errorf("%w: %w", ErrAltered, err)
	case err != nil:
		return fmt.Errorf("read package: %w", err)
	default:
		return nil
	}
}

// read reads the object once. Its context is ended when nothing comes, which is
// no end of the caller's: the next try finds out whether the object is there.
func (o Objects) read(ctx context.Context, id string, to io.Writer) error {
	stall := cmp.Or(o.Stall, stallAfter)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the subscription, which nothing else does if no byte comes
	watchdog := time.AfterFunc(stall, cancel)
	defer watchdog.Stop()
	object, err := o.Store.Get(impatient{ctx}, id) //nolint:contextcheck // impatient is ctx
	if err != nil {
		return err
	}
	_, err = io.Copy(to, fed{Reader: object, watchdog: watchdog, stall: stall})
	return errors.Join(err, object.Close())
}

// impatient is a context whose deadline is always near. An object takes it for
// the bound of one read, after which it looks whether the context has ended; it
// would wait for bytes alone otherwise.
type impatient struct{ context.Context }

func (impatient) Deadline() (time.Time, bool) { return time.Now().Add(readFor), true }

// fed puts the watchdog off with each byte.
type fed struct {
	io.Reader
	watchdog *time.Timer
	stall    time.Duration
}

func (f fed) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if n > 0 {
		f.watchdog.Reset(f.stall)
	}
	return n, err
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
