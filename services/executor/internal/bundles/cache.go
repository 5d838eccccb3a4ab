package bundles

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// Source opens the content of packages.
type Source interface {
	// Fetch writes the content of the package to the file, which is empty. It fails
	// with ErrMissing, ErrAltered, ErrLocal, or in ways of its own.
	Fetch(ctx context.Context, p contract.Package, to *os.File) error
}

// fetchFor bounds one fetch, which several jobs may wait for.
const fetchFor = 30 * time.Minute

// Cache holds bundles on disk, up to a bound beyond what is in use.
type Cache struct {
	parent string
	bound  int64
	limits archive.Limits
	source Source

	flights singleflight.Group
	under   context.Context // of the flights, which serve several jobs and end with none of them
	stop    context.CancelFunc
	flying  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	dir     string // this process's own, below parent
	lock    *os.File
	entries map[string]*entry
	clock   uint64
}

type entry struct {
	path     string
	manifest archive.Manifest
	users    int
	used     uint64 // when it was last taken, by Cache.clock
}

// Bundle is a package ready to ship. It stays on disk until Release.
type Bundle struct {
	archive.Manifest
	cache *Cache
	entry *entry
	once  sync.Once
}

// Open makes a cache in a fresh directory below dir, and removes what processes
// that died left there. It keeps up to bound bytes of bundles that nobody uses.
func Open(dir string, bound int64, limits archive.Limits, source Source) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	if err := removeAbandoned(dir); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	own, lock, err := claim(dir)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	under, stop := context.WithCancel(context.Background())
	return &Cache{
		parent: dir, dir: own, lock: lock, bound: bound, limits: limits, source: source,
		under: under, stop: stop, entries: map[string]*entry{},
	}, nil
}

// Close ends what is being made, waits for that, and removes the cache from
// disk. Take fails with ErrClosed from then on.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.flying.Wait()
	return errors.Join(os.RemoveAll(c.dir), c.lock.Close())
}

// Take returns the bundle of a package, making it if need be. However many ask
// at once, it is made once. Release it when it is no longer needed.
//
// Errors: ErrMissing, ErrAltered, ErrLocal (ErrNoRoom is one), ErrClosed,
// archive.ErrRefused (which covers all that archive.Build refuses),
// archive.ErrCorrupt, those of the Source, or ctx's.
func (c *Cache) Take(ctx context.Context, p contract.Package) (*Bundle, error) {
	for {
		if b := c.taken(p.ID); b != nil {
			return b, nil
		}
		made := c.flights.DoChan(p.ID, func() (any, error) { //nolint:contextcheck // its context is the cache's own, see below
			if !c.takeOff() {
				return nil, ErrClosed
			}
			defer c.flying.Done()
			// The work serves every job that waits, so no job's end ends it.
			ctx, cancel := context.WithTimeout(c.under, fetchFor)
			defer cancel()
			return nil, c.make(ctx, p)
		})
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case r := <-made:
			if r.Err != nil {
				return nil, r.Err
			}
		}
	}
}

// Open returns a reader of the bundle from its start. It fails with ErrLocal.
func (b *Bundle) Open() (*os.File, error) {
	file, err := os.Open(b.entry.path)
	if err != nil {
		return nil, local(err)
	}
	return file, nil
}

// Release gives the bundle back to the cache.
func (b *Bundle) Release() {
	b.once.Do(func() {
		b.cache.mu.Lock()
		defer b.cache.mu.Unlock()
		b.entry.users--
		b.cache.trim()
	})
}

// takeOff counts a flight among those that Close waits for, unless it has begun
// to.
func (c *Cache) takeOff() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.flying.Add(1)
	}
	return !c.closed
}

// taken returns the bundle if it is there. One whose file is gone, as whoever
// clears temporary directories may have removed it, is not.
func (c *Cache) taken(id string) *Bundle {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[id]
	if e == nil {
		return nil
	}
	if _, err := os.Stat(e.path); err != nil {
		delete(c.entries, id)
		return nil
	}
	c.clock++
	e.users++
	e.used = c.clock
	return &Bundle{Manifest: e.manifest, cache: c, entry: e}
}

// make fetches the package and packs it anew.
func (c *Cache) make(ctx context.Context, p contract.Package) (err error) {
	c.mu.Lock()
	_, there := c.entries[p.ID]
	c.mu.Unlock()
	if there {
		return nil
	}
	dir, err := c.own()
	if err != nil {
		return local(err)
	}
	raw, err := os.CreateTemp(dir, "package-*")
	if err != nil {
		return local(err)
	}
	defer func() { _, _ = raw.Close(), os.Remove(raw.Name()) }()
	size, err := c.fetch(ctx, p, raw)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(dir, "bundle-*")
	if err != nil {
		return local(err)
	}
	src := archive.Source{Data: raw, Size: size, Format: archive.Format(p.Format), Name: p.Filename}
	manifest, err := archive.Build(ctx, src, out, c.limits)
	if err = errors.Join(err, out.Close()); err != nil {
		_ = os.Remove(out.Name())
		if errors.Is(err, archive.ErrRefused) || ctx.Err() != nil {
			return err
		}
		return local(err) // of all that is left, our disk is the cause
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	c.entries[p.ID] = &entry{path: out.Name(), manifest: manifest, used: c.clock}
	c.trim()
	return nil
}

// trim removes the bundles that were not used for longest, until those that
// nobody uses fit the bound. The newest stays: whoever asked for it is about to
// take it.
func (c *Cache) trim() {
	for {
		var (
			idle   int64
			oldest string
			at     = c.clock
		)
		for id, e := range c.entries {
			if e.users > 0 {
				continue
			}
			idle += e.manifest.Size
			if e.used < at {
				oldest, at = id, e.used
			}
		}
		if idle <= c.bound || oldest == "" {
			return
		}
		_ = os.Remove(c.entries[oldest].path)
		delete(c.entries, oldest)
	}
}

// own returns the directory of this process, and makes another where whoever
// clears temporary directories removed it.
func (c *Cache) own() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := os.Stat(c.dir); err == nil {
		return c.dir, nil
	}
	if err := os.MkdirAll(c.parent, 0o700); err != nil {
		return "", err
	}
	dir, lock, err := claim(c.parent)
	if err != nil {
		return "", err
	}
	_ = c.lock.Close()
	c.dir, c.lock = dir, lock
	return dir, nil
}

// removeAbandoned removes the directories of processes that are gone: those
// whose lock nobody holds.
func removeAbandoned(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "executor-*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		lock, err := os.Open(filepath.Join(name, lockName))
		if err != nil {
			continue // being made or removed by another process
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(name)
		}
		_ = lock.Close()
	}
	return nil
}

const lockName = "lock"
