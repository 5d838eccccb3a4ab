package bundles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// fetch writes the package to the file and compares it with what the command
// pinned: the store is not trusted.
func (c *Cache) fetch(ctx context.Context, p contract.Package, to *os.File) error {
	if err := c.source.Fetch(ctx, p.ID, to); err != nil {
		return err
	}
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, to)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); size != p.Size || got != p.SHA256 {
		return fmt.Errorf("%w: %d bytes with sha256 %s instead of %d with %s", ErrAltered, size, got, p.Size, p.SHA256)
	}
	return nil
}

// Objects is the object store of packages.
type Objects struct{ Store jetstream.ObjectStore }

// Fetch implements Source.
func (o Objects) Fetch(ctx context.Context, id string, to *os.File) error {
	object, err := o.Store.Get(ctx, id)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return ErrMissing
	}
	if err != nil {
		return fmt.Errorf("open package: %w", err)
	}
	_, err = io.Copy(to, object)
	if err = errors.Join(err, object.Close()); err != nil {
		return fmt.Errorf("read package: %w", err)
	}
	return nil
}
