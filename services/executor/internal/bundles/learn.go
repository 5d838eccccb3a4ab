package bundles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// learnWait is how long a host waits for what another is asked for all of them. That one
// may hang, and it takes the executor far longer to give it up.
const learnWait = 2 * time.Second

// Learn has the manifest of a release read that this executor never shipped, unless it
// is known. One host is asked for all; where it fails or does not answer soon, the next
// one that waits is asked. It fails with ErrAltered where what is read is not the one of
// this sha256, with ErrLocal, and as read does.
func (c *Cache) Learn(ctx context.Context, sum string, read func(context.Context) ([]byte, error)) error {
	for !c.has(manifestKey(sum)) {
		answered, others := c.ask(sum)
		if !others {
			defer c.asked(sum, answered)
			manifest, err := read(ctx)
			if err != nil {
				return err
			}
			if got := sha256.Sum256(manifest); hex.EncodeToString(got[:]) != sum {
				return fmt.Errorf("%w: a manifest", ErrAltered)
			}
			return c.remember(ctx, sum, manifest)
		}
		late := time.NewTimer(c.learnWait)
		select {
		case <-answered:
		case <-late.C:
			c.asked(sum, answered)
		case <-ctx.Done():
			late.Stop()
			return context.Cause(ctx)
		}
		late.Stop()
	}
	return nil
}

// ask says whether a host is being asked for a manifest. If not, the caller is to ask
// its own. Answered is closed once that has ended, or is not waited for any more.
func (c *Cache) ask(sum string) (answered chan struct{}, others bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if under := c.asking[sum]; under != nil {
		return under, true
	}
	answered = make(chan struct{})
	c.asking[sum] = answered
	return answered, false
}

func (c *Cache) asked(sum string, answered chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asking[sum] == answered {
		delete(c.asking, sum)
		close(answered)
	}
}

// remember keeps a manifest.
func (c *Cache) remember(ctx context.Context, sum string, manifest []byte) error {
	e, err := c.hold(ctx, manifestKey(sum), func(ctx context.Context) (*entry, error) {
		return c.write(ctx, "manifest-*", func(to io.Writer) (archive.Summary, error) {
			_, err := to.Write(manifest)
			return archive.Summary{Size: int64(len(manifest))}, err
		})
	})
	if err != nil {
		return err
	}
	c.release(e)
	return nil
}
