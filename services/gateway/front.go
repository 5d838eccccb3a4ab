package gateway

import (
	"context"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/certificates"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const maxHeader = 64 << 10 // bytes of the head of a request

// front is the HTTP server: it shows one handler, then another, and can wait for
// the requests that it was given.
type front struct {
	server  *http.Server
	cfg     Config
	handler atomic.Pointer[http.Handler]
	busy    sync.RWMutex       // read-locked by every request that runs
	cut     context.CancelFunc // ends the contexts of the requests that run
	failed  chan error
	ended   sync.WaitGroup
}

// newFront returns a front that shows nothing yet. Its requests go on after ctx ends,
// until stop.
func newFront(ctx context.Context, cfg Config, log zerolog.Logger) (*front, error) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	f := &front{cfg: cfg, cut: cut, failed: make(chan error, 1)}
	f.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.busy.RLock()
			defer f.busy.RUnlock()
			(*f.handler.Load()).ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: cfg.Timeouts.Header, IdleTimeout: cfg.Timeouts.Idle, MaxHeaderBytes: maxHeader,
		WriteTimeout: cfg.Timeouts.Answer, // for what net/http answers by itself; the API gives each answer its time when that leaves
		HTTP2:        &http.HTTP2Config{WriteByteTimeout: cfg.Timeouts.Answer},
		BaseContext:  func(net.Listener) context.Context { return dialects.Within(work) },
		ErrorLog:     newErrorLog(log),
	}
	if cfg.TLS.Cert != "" {
		shown, err := certificates.Open(cfg.TLS.files(), log)
		if err != nil {
			cut()
			return nil, wrap("tls", err)
		}
		f.server.TLSConfig = shown.Config()
	}
	return f, nil
}

func (f *front) show(h http.Handler) { f.handler.Store(&h) }

func (f *front) serve(l net.Listener) {
	f.ended.Go(func() {
		var err error
		if f.cfg.TLS.Cert != "" {
			err = f.server.ServeTLS(l, "", "") // as TLSConfig says
		} else {
			err = f.server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			f.failed <- err
		}
	})
}

// stop lets the requests that run come to their end for a while, cuts off the
// rest, and waits for them.
func (f *front) stop(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, f.cfg.Timeouts.Shutdown)
	defer cancel()
	err := f.server.Shutdown(grace)
	f.cut()
	if err != nil {
		err = f.server.Close()
	}
	f.busy.Lock() // the last request has ended
	defer f.busy.Unlock()
	f.ended.Wait()
	return err
}

// newErrorLog gives net/http, which knows only the standard log, ours: what it
// says is about connections that broke, seldom of interest.
func newErrorLog(log zerolog.Logger) *stdlog.Logger {
	return stdlog.New(lineWriter{log}, "", 0)
}

type lineWriter struct{ log zerolog.Logger }

func (w lineWriter) Write(line []byte) (int, error) {
	w.log.Debug().Msg(strings.TrimSpace(string(line)))
	return len(line), nil
}
