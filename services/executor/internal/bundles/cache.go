package bundles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	asking  map[string]chan struct{} // manifests that hosts are asked for, by sha256

	learnWait time.Duration
}

// entry is a file of the cache.
type entry struct {
	path    string // empty: it is known that there is nothing to be made
	size    int64
	summary archive.Summary // of a bundle, or of a part of one
	users   int
	used    uint64 // when it was last taken, by Cache.clock
	once    bool   // nobody wants it after those who have it
}

// Bundle is a package, or a part of one, ready to ship. It stays on disk until Release.
type Bundle struct {
	archive.Summary
	cache *Cache
	pkg   contract.Package
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
		under: under, stop: stop, entries: map[string]*entry{}, asking: map[string]chan struct{}{}, learnWait: learnWait,
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
	e, err := c.hold(ctx, packageKey(p), func(ctx context.Context) (*entry, error) { return c.pack(ctx, p) })
	if err != nil {
		return nil, err
	}
	return c.bundle(p, e), nil
}

func packageKey(p contract.Package) string { return "package/" + p.ID }

func (c *Cache) bundle(p contract.Package, e *entry) *Bundle {
	return &Bundle{Summary: e.summary, cache: c, pkg: p, entry: e}
}

// Open returns a reader of the bundle from its start. It fails with ErrLocal.
func (b *Bundle) Open() (*os.File, error) { return b.entry.open() }

func (e *entry) open() (*os.File, error) {
	file, err := os.Open(e.path)
	if err != nil {
		return nil, local(err)
	}
	return file, nil
}

// Verify reads the file again, as a host says that what arrived is not what was to be
// sent. If the file is to blame, the cache forgets it, so that the next who asks has it
// made anew, and the error is ErrDamaged.
func (b *Bundle) Verify() error {
	file, err := b.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return local(err)
	}
	if hex.EncodeToString(sum.Sum(nil)) == b.SHA256 {
		return nil
	}
	b.cache.forget(b.entry)
	return ErrDamaged
}

// forget gives the entry to nobody any more. Its file goes with its last user.
func (c *Cache) forget(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.once = true
	for key, other := range c.entries {
		if other == e {
			delete(c.entries, key)
		}
	}
}

// forgotten says whether the entry is given to nobody any more.
func (c *Cache) forgotten(e *entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.once
}

// Release gives the bundle back to the cache.
func (b *Bundle) Release() { b.once.Do(func() { b.cache.release(b.entry) }) }

func (c *Cache) release(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.users--; e.once && e.users == 0 {
		_ = os.Remove(e.path)
	}
	c.trim()
}

// hold returns what is kept under the key, and has it made if need be. However many
// ask at once, it is made once. It stays until release.
func (c *Cache) hold(ctx context.Context, key string, make func(context.Context) (*entry, error)) (*entry, error) {
	for {
		if e := c.taken(key); e != nil {
			return e, nil
		}
		made := c.flights.DoChan(key, func() (any, error) { //nolint:contextcheck // its context is the cache's own, see below
			if !c.takeOff() {
				return nil, ErrClosed
			}
			defer c.flying.Done()
			if c.has(key) {
				return nil, nil //nolint:nilnil // what counts is in the map
			}
			// The work serves every job that waits, so no job's end ends it.
			ctx, cancel := context.WithTimeout(c.under, fetchFor)
			defer cancel()
			e, err := make(ctx)
			if err == nil {
				c.add(key, e)
			}
			return nil, err
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

func (c *Cache) has(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[key] != nil
}

func (c *Cache) add(key string, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	e.used = c.clock
	c.entries[key] = e
	c.trim()
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

// taken returns what is kept under the key, if anything is. One whose file is gone,
// as whoever clears temporary directories may have removed it, is not.
func (c *Cache) taken(key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return nil
	}
	if _, err := os.Stat(e.path); err != nil && e.path != "" {
		delete(c.entries, key)
		return nil
	}
	c.clock++
	e.users++
	e.used = c.clock
	return e
}

// trim removes the files that were not used for longest, until those that
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
			idle += e.size
			if e.used < at {
				oldest, at = id, e.used
			}
		}
		if idle <= c.bound || oldest == "" {
			return
		}
		if path := c.entries[oldest].path; path != "" {
			_ = os.Remove(path)
		}
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
