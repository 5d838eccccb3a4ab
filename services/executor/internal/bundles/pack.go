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

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// A package is kept as it unpacks, not compressed, if it is of up to so many bytes, as it was
// uploaded and as it unpacks: most hosts are only sent parts of it, so to compress all of it is
// for nothing. A larger one would take too much of the disk.
const (
	bareUpload   = 32 << 20
	bareUnpacked = 128 << 20
)

// pack fetches the package and packs it anew. Its manifest is kept beside the bundle,
// for packages that hosts will be sent after it.
func (c *Cache) pack(ctx context.Context, p contract.Package) (*entry, error) {
	raw, err := c.create("package-*")
	if err != nil {
		return nil, err
	}
	defer func() { _, _ = raw.Close(), os.Remove(raw.Name()) }()
	size, err := c.fetch(ctx, p, raw)
	if err != nil {
		return nil, err
	}
	src := archive.Source{Data: raw, Size: size, Format: archive.Format(p.Format), Name: p.Filename}
	if size <= bareUpload {
		bare := c.limits
		bare.MaxUnpacked = min(bare.MaxUnpacked, bareUnpacked)
		if e, err := c.build(ctx, src, archive.None, bare); !errors.Is(err, archive.ErrTooLarge) {
			return e, err
		}
	}
	return c.build(ctx, src, archive.Zstd, c.limits)
}

func (c *Cache) build(ctx context.Context, src archive.Source, codec archive.Codec, limits archive.Limits) (*entry, error) {
	var manifest []byte
	e, err := c.write(ctx, "bundle-*", func(to io.Writer) (s archive.Summary, err error) {
		s, manifest, err = archive.Build(ctx, src, codec, to, limits)
		return s, err
	})
	if err != nil {
		return nil, err
	}
	if err := c.remember(ctx, e.summary.Manifest, manifest); err != nil {
		_ = os.Remove(e.path)
		return nil, err
	}
	return e, nil
}

// In returns all of the bundle in this compression. It is made once for all hosts that
// want it. Errors are those of Take, and ErrDamaged.
func (b *Bundle) In(ctx context.Context, codec archive.Codec) (*Bundle, error) {
	if codec == b.Codec {
		return b.cache.Take(ctx, b.pkg)
	}
	e, err := b.cache.hold(ctx, string(codec)+"/"+b.pkg.ID, func(ctx context.Context) (*entry, error) {
		return b.cache.rewrite(ctx, b, func(whole io.Reader, of archive.Summary, to io.Writer) (archive.Summary, error) {
			return archive.Recode(ctx, whole, of, codec, to)
		})
	})
	if err != nil {
		return nil, err
	}
	return b.cache.bundle(b.pkg, e), nil
}

// filling writes what is made out of a whole bundle, and describes it.
type filling func(whole io.Reader, of archive.Summary, to io.Writer) (archive.Summary, error)

// rewrite makes a file out of a bundle. It fails with ErrDamaged, and the cache forgets the
// bundle, where that is not what was written to the disk: hosts do not look at all that a part
// holds, such as links.
func (c *Cache) rewrite(ctx context.Context, b *Bundle, fill filling) (*entry, error) {
	whole := c.taken(packageKey(b.pkg)) // the job that asked may give it back before this is done
	if whole == nil && c.forgotten(b.entry) {
		return nil, ErrDamaged
	}
	if whole == nil {
		return nil, local(fmt.Errorf("the bundle of %s is gone", b.pkg.ID))
	}
	defer c.release(whole)
	in, err := whole.open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	e, err := c.write(ctx, "part-*", func(to io.Writer) (archive.Summary, error) {
		sum := sha256.New()
		s, err := fill(io.TeeReader(in, sum), whole.summary, to)
		if ctx.Err() != nil {
			return s, cmp.Or(err, context.Cause(ctx))
		}
		// What is left of it, too: not all that ends a bundle is read to make another.
		if _, unread := io.Copy(sum, in); unread == nil && hex.EncodeToString(sum.Sum(nil)) != whole.summary.SHA256 {
			return s, ErrDamaged
		}
		return s, err
	})
	if errors.Is(err, ErrDamaged) {
		c.forget(whole)
	}
	return e, err
}

// write makes a file of the cache.
func (c *Cache) write(ctx context.Context, pattern string, fill func(to io.Writer) (archive.Summary, error)) (*entry, error) {
	out, err := c.create(pattern)
	if err != nil {
		return nil, err
	}
	s, err := fill(out)
	if err = errors.Join(err, out.Close()); err != nil {
		_ = os.Remove(out.Name())
		if errors.Is(err, archive.ErrRefused) || errors.Is(err, ErrDamaged) || ctx.Err() != nil {
			return nil, err
		}
		return nil, local(err) // of all that is left, our disk is the cause
	}
	return &entry{path: out.Name(), size: s.Size, summary: s}, nil
}

func (c *Cache) create(pattern string) (*os.File, error) {
	dir, err := c.own()
	if err != nil {
		return nil, local(err)
	}
	file, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, local(err)
	}
	return file, nil
}
