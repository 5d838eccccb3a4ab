package bundles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
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
	var manifest []byte
	e, err := c.write(ctx, "bundle-*", func(to io.Writer) (s archive.Summary, err error) {
		s, manifest, err = archive.Build(ctx, src, archive.Zstd, to, c.limits)
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
// want it. Errors are those of Take.
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

// rewrite makes a file out of a bundle.
func (c *Cache) rewrite(ctx context.Context, b *Bundle, fill func(whole io.Reader, of archive.Summary, to io.Writer) (archive.Summary, error)) (*entry, error) {
	whole := c.taken(packageKey(b.pkg)) // the job that asked may give it back before this is done
	if whole == nil {
		return nil, local(fmt.Errorf("the bundle of %s is gone", b.pkg.ID))
	}
	defer c.release(whole)
	in, err := whole.open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return c.write(ctx, "part-*", func(to io.Writer) (archive.Summary, error) { return fill(in, whole.summary, to) })
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
		if errors.Is(err, archive.ErrRefused) || ctx.Err() != nil {
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
