package bundles

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// gain is how much smaller than the whole a part must be to be worth what it costs a
// host to verify file by file: at most three quarters.
func gain(part, whole int64) bool { return part*4 <= whole*3 }

// besideFile is what each file takes beside its content, in bytes, compressed: as much in a part
// that links it as in the whole.
const besideFile = 64

// Base is a release that hosts have and that files can be linked from.
type Base struct {
	Manifest string // sha256
	Release  string // its directory, below where hosts unpack
}

// Plain returns the whole bundle with each file in the release's place, not compressed: that takes a host
// fewer programs than a small one is worth. It is made once for all hosts. Errors are those
// of Take, and ErrDamaged.
func (b *Bundle) Plain(ctx context.Context, place archive.Place) (*Bundle, error) {
	c := b.cache
	e, err := c.hold(ctx, "plain/"+b.pkg.ID+"/"+b.pkg.Version, func(ctx context.Context) (*entry, error) {
		_, manifest, err := c.manifest(b.Manifest)
		if err != nil {
			return nil, err
		}
		return c.writePart(ctx, b, archive.Part{Codec: archive.None, Place: place, Manifest: manifest})
	})
	if err != nil {
		return nil, err
	}
	return c.bundle(b.pkg, e), nil
}

// Linked returns the part of the bundle that a host needs which has the base. It is made once for all hosts that have the same. It fails with
// ErrUnknown where the manifest of the base is not known, with ErrNoGain where the whole
// is better, with ErrDamaged, and as Take does.
func (b *Bundle) Linked(ctx context.Context, codec archive.Codec, base Base, place archive.Place) (*Bundle, error) {
	c := b.cache
	held := c.taken(manifestKey(base.Manifest))
	if held == nil {
		return nil, ErrUnknown
	}
	defer c.release(held)
	key := "linked/" + string(codec) + "/" + b.pkg.ID + "/" + b.pkg.Version + "/" + base.Manifest + "/" + base.Release
	e, err := c.hold(ctx, key, func(ctx context.Context) (*entry, error) { return c.link(ctx, b, codec, base, place) })
	if err != nil {
		return nil, err
	}
	if e.path == "" {
		c.release(e)
		return nil, ErrNoGain
	}
	return c.bundle(b.pkg, e), nil
}

// link makes the part for hosts that have the base, or an entry without a file where it
// is not worth it.
func (c *Cache) link(ctx context.Context, b *Bundle, codec archive.Codec, base Base, place archive.Place) (*entry, error) {
	files, manifest, err := c.manifest(b.Manifest)
	if err != nil {
		return nil, err
	}
	held, _, err := c.manifest(base.Manifest)
	if err != nil {
		return nil, err
	}
	part := archive.Part{Codec: codec, Place: place, Release: base.Release, Manifest: manifest}
	var shared, saved int64
	part.Links, shared = archive.Links(files, held)
	if part.Patches, saved, err = c.patches(ctx, b, base, files, held, part.Links); err != nil {
		return nil, err
	}
	beside := int64(b.Files) * besideFile
	if !gain(beside+b.Unpacked-shared-saved, beside+b.Unpacked) {
		return &entry{}, nil
	}
	return c.writePart(ctx, b, part)
}

// patches compares large files with those of the base, if its bundle is still here.
func (c *Cache) patches(ctx context.Context, b *Bundle, base Base, files, held []archive.File, links map[int]string) (map[int]archive.Patch, int64, error) {
	old := c.takenWith(base.Manifest)
	if old == nil {
		return nil, 0, nil
	}
	defer c.release(old)
	from, err := old.open()
	if err != nil {
		return nil, 0, err
	}
	defer from.Close()
	to, err := b.Open()
	if err != nil {
		return nil, 0, err
	}
	defer to.Close()
	patches, saved, err := archive.Patches(ctx, files, held, links,
		archive.Whole{Codec: b.Codec, Data: to}, archive.Whole{Codec: old.summary.Codec, Data: from})
	if err != nil && ctx.Err() == nil {
		err = local(err)
	}
	return patches, saved, err
}

// takenWith returns a whole bundle with this manifest.
func (c *Cache) takenWith(manifest string) *entry {
	c.mu.Lock()
	var found string
	for key, e := range c.entries {
		if e.summary.Manifest == manifest && strings.HasPrefix(key, packageKey(contract.Package{})) {
			found = key
		}
	}
	c.mu.Unlock()
	return c.taken(found)
}

// Missing says what a host lacks of a release that was begun.
type Missing struct {
	Place archive.Place
	Lacks func(n int) bool // files by their number in the manifest, from 0

	// Where the beginning of a file is there, its number, how many bytes these are, their
	// sha256, and where they lie. CutSize 0: there is none.
	CutNumber int
	CutSize   int64
	CutSHA256 string
	CutPath   string
}

// Rest returns the part of the bundle that is missing. It is for one host and goes with
// its Release. Errors are those of Take, and ErrDamaged.
func (b *Bundle) Rest(ctx context.Context, codec archive.Codec, m Missing) (*Bundle, error) {
	c := b.cache
	_, manifest, err := c.manifest(b.Manifest)
	if err != nil {
		return nil, err
	}
	part := archive.Part{Codec: codec, Place: m.Place, Leave: func(n int) bool { return !m.Lacks(n) }, Manifest: manifest}
	if m.CutSize > 0 {
		in, err := b.Open()
		if err != nil {
			return nil, err
		}
		defer in.Close()
		part.Release = "./" + path.Dir(m.CutPath)
		patch, ok, err := archive.Continue(ctx, archive.Whole{Codec: b.Codec, Data: in}, m.CutNumber, m.CutSize, m.CutSHA256, path.Base(m.CutPath))
		if err != nil {
			return nil, local(err)
		}
		if ok {
			part.Patches = map[int]archive.Patch{m.CutNumber: patch}
		}
	}
	e, err := c.writePart(ctx, b, part)
	if err != nil {
		return nil, err
	}
	e.users, e.once = 1, true
	return c.bundle(b.pkg, e), nil
}

func (c *Cache) writePart(ctx context.Context, b *Bundle, p archive.Part) (*entry, error) {
	return c.rewrite(ctx, b, func(whole io.Reader, of archive.Summary, to io.Writer) (archive.Summary, error) {
		return archive.WritePart(ctx, whole, of, p, to)
	})
}

func manifestKey(sum string) string { return "manifest/" + sum }

// manifest reads one that is kept.
func (c *Cache) manifest(sum string) ([]archive.File, []byte, error) {
	e := c.taken(manifestKey(sum))
	if e == nil {
		return nil, nil, ErrUnknown
	}
	defer c.release(e)
	in, err := e.open()
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, nil, local(err)
	}
	files, err := archive.ParseManifest(bytes.NewReader(text), c.limits)
	if err != nil {
		return nil, nil, errors.Join(ErrUnknown, err)
	}
	return files, text, nil
}
