package jobs

import (
	"context"

	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
)

// fetch is the package of a deployment on its way into the cache, which takes about as long
// as to connect to the host: so both are done at once.
type fetch struct {
	done   chan struct{}
	cancel context.CancelFunc
	bundle *bundles.Bundle // once done; it stays in the cache until stop
	err    error
}

// startFetch fetches the package until the fetch is stopped.
func (a *attempt) startFetch(ctx context.Context) *fetch {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetch{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(f.done)
		f.bundle, f.err = a.bundles.Take(ctx, a.pkg)
	}()
	return f
}

// wait returns how many bytes the package takes, once it is in the cache.
func (f *fetch) wait(ctx context.Context) (disk int64, err error) {
	select {
	case <-f.done:
		if f.err != nil {
			return 0, f.err
		}
		return f.bundle.Disk, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// stop ends the fetch, and leaves the package to the cache. It may be called again.
func (f *fetch) stop() {
	f.cancel()
	<-f.done
	if f.bundle != nil {
		f.bundle.Release()
	}
}
