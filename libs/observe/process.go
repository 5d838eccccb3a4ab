package observe

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
)

// flushFor bounds how long the end of a process waits for its last spans to leave.
const flushFor = 3 * time.Second

// Process is one process as it is seen from outside.
type Process struct {
	cfg      Config
	log      zerolog.Logger
	registry *prometheus.Registry
	tracers  trace.TracerProvider
	flush    func(context.Context) error
	ready    atomic.Bool

	mu      sync.Mutex
	address string
	metrics []Metric
	reading []func(context.Context) // before each answer of /metrics
	checks  []check
}

// New returns what the process of this program shows. Whether spans are exported,
// and where to, it reads from the environment; it fails with ErrExporter.
func New(cfg Config, program string, log zerolog.Logger) (*Process, error) {
	if errs := cfg.Validate(); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	tracers, flush, err := newTracers(program, log)
	if err != nil {
		return nil, err
	}
	p := &Process{cfg: cfg, log: log, registry: prometheus.NewRegistry(), tracers: tracers, flush: flush}
	p.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return p, nil
}

// Run calls work, and listens for operators while it does, if an address is
// configured (ErrListen). The last spans leave before it returns.
func (p *Process) Run(ctx context.Context, ready func(), work func(context.Context, func()) error) (err error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushFor)
		defer cancel()
		_ = p.flush(ctx) // what does not leave now is lost, and was said by then
	}()
	if p.cfg.Listen != "" {
		stop, listenErr := p.listen(ctx)
		if listenErr != nil {
			return listenErr
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	return work(ctx, func() {
		p.ready.Store(true)
		ready()
	})
}

// Addr is the address and port that operators are really answered on; "" where
// there is none, or not yet.
func (p *Process) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

// check is something that a process cannot work without.
type check struct {
	name string
	well func() error
}

// unwell is what stands in the way of work, by name; empty: nothing.
func (p *Process) unwell() map[string]string {
	found := map[string]string{}
	if !p.ready.Load() {
		found["start"] = "it has not come to its end yet"
	}
	p.mu.Lock()
	checks := p.checks
	p.mu.Unlock()
	for _, c := range checks {
		if err := c.well(); err != nil {
			found[c.name] = err.Error()
		}
	}
	return found
}

// read has the gauges set that are read when they are asked for.
func (p *Process) read(ctx context.Context) {
	p.mu.Lock()
	reading := p.reading
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, read := range reading {
		all.Go(func() { read(ctx) })
	}
	all.Wait()
}
