package observe

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof" // what it hangs into the default mux is served by nobody
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/slipway-deploy/slipway/libs/certificates"
	"github.com/slipway-deploy/slipway/libs/netguard"
)

const (
	headWait   = 5 * time.Second // for the head of a request
	answerWait = 2 * time.Minute // for an answer to be taken: a profile is as long as was asked for
	idleWait   = 2 * time.Minute
	readWait   = 2 * time.Second // for gauges that are read when they are asked for
	stopWait   = 2 * time.Second // for requests to end
	maxHead    = 16 << 10        // bytes of the head of a request
	maxBody    = 1 << 10         // bytes of a body
)

// listen answers operators until stop is called.
func (p *Process) listen(ctx context.Context) (stop func() error, err error) {
	server := &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: headWait, ReadTimeout: headWait, WriteTimeout: answerWait,
		IdleTimeout: idleWait, MaxHeaderBytes: maxHead,
	}
	serve := server.Serve
	if p.cfg.TLSCert != "" {
		shown, err := certificates.Open(certificates.Files{Cert: p.cfg.TLSCert, Key: p.cfg.TLSKey}, p.log)
		if err != nil {
			return nil, fmt.Errorf("observe.tls_cert: %w", err)
		}
		server.TLSConfig = shown.Config()
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") } // as TLSConfig says
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("%w on %s: %w; set observe.listen to another address", ErrListen, p.cfg.Listen, err)
	}
	p.mu.Lock()
	p.address = l.Addr().String()
	p.mu.Unlock()
	p.log.Info().Str("address", l.Addr().String()).Msg("operators are answered")
	var (
		serving sync.WaitGroup
		failure error
	)
	serving.Go(func() {
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
			failure = fmt.Errorf("answer operators: %w", err)
		}
	})
	return func() error {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close() // a profile is being taken: who asked sees that it was cut off
		}
		serving.Wait()
		return failure
	}, nil
}

// handler is everything that operators can ask.
//
//	/healthz      the process is there            anybody
//	/readyz       it can work, or why not         anybody
//	/metrics      for Prometheus                  the token, if there is one
//	/log-level    GET, and PUT to change it       the token; without one, on loopback alone
//	/debug/pprof  profiles                        the token, if there is one; on loopback alone
func (p *Process) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, status{Status: "ok"}) })
	mux.HandleFunc("GET /readyz", p.readiness)
	mux.Handle("GET /metrics", p.private(p.showMetrics()))
	mux.Handle("GET /log-level", p.private(http.HandlerFunc(p.showLevel)))
	host, _, _ := net.SplitHostPort(p.cfg.Listen) // Validate has checked it
	local := netguard.IsLoopback(host)
	if local || p.cfg.Token != "" {
		mux.Handle("PUT /log-level", p.private(http.HandlerFunc(p.changeLevel)))
	}
	if local { // all but cmdline: arguments may hold a secret
		mux.Handle("GET /debug/pprof/", p.private(http.HandlerFunc(pprof.Index)))
		mux.Handle("GET /debug/pprof/cmdline", http.NotFoundHandler())
		mux.Handle("GET /debug/pprof/profile", p.private(http.HandlerFunc(pprof.Profile)))
		mux.Handle("GET /debug/pprof/symbol", p.private(http.HandlerFunc(pprof.Symbol)))
		mux.Handle("GET /debug/pprof/trace", p.private(http.HandlerFunc(pprof.Trace)))
		return onlyByAddress(mux)
	}
	return mux
}

// onlyByAddress refuses requests that name a host which is no address. On loopback
// these come of a browser that was sent here by a page of somebody else's.
func onlyByAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
			answer(w, http.StatusForbidden, status{Status: "ask by the address, as http://127.0.0.1:9090"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// private demands the token, where there is one.
func (p *Process) private(next http.Handler) http.Handler {
	want := []byte("Bearer " + string(p.cfg.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.cfg.Token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			answer(w, http.StatusUnauthorized, status{Status: "a bearer token is needed: observe.token"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// showMetrics answers Prometheus, in whichever form it asks for.
func (p *Process) showMetrics() http.Handler {
	show := promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readWait)
		defer cancel()
		p.read(ctx)
		show.ServeHTTP(w, r)
	})
}

type status struct {
	Status  string            `json:"status"`
	Missing map[string]string `json:"missing,omitempty"`
}

func (p *Process) readiness(w http.ResponseWriter, _ *http.Request) {
	if missing := p.unwell(); len(missing) > 0 {
		answer(w, http.StatusServiceUnavailable, status{"not ready", missing})
		return
	}
	answer(w, http.StatusOK, status{Status: "ok"})
}

func answer(w http.ResponseWriter, code int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // who does not take it asks again
}
