package simulated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/jobs"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
)

// errNotSimulated says that no benchmark needs this command.
var errNotSimulated = errors.New("a simulated host does not know this command")

// Hosts are as many simulated hosts as are asked for. They live as long as this
// process, and no other process sees them.
type Hosts struct {
	takes time.Duration

	mu   sync.Mutex
	byID map[string]*host
}

// New returns hosts each of whose commands takes so long.
func New(takes time.Duration) *Hosts {
	return &Hosts{takes: takes, byID: map[string]*host{}}
}

// Dial is a jobs.Dial. It takes no time and always succeeds.
func (h *Hosts) Dial(_ context.Context, t contract.Target) (jobs.Host, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.byID[t.Host]
	if at == nil {
		at = &host{fences: map[string]uint64{}, apps: map[string]*app{}}
		h.byID[t.Host] = at
	}
	return connection{host: at, takes: h.takes}, nil
}

// connection is one to a host.
type connection struct {
	host  *host
	takes time.Duration
}

func (c connection) Close() error { return nil }

// Ask always fails: no socket is simulated.
func (c connection) Ask(_ context.Context, socket, _ string) (string, error) {
	return "", fmt.Errorf("%w: ask %s", errNotSimulated, socket)
}

// Hide does nothing: a simulated host repeats no secret.
func (c connection) Hide(*mask.Mask) {}

// Connect always fails: nothing listens on a simulated host.
func (c connection) Connect(_ context.Context, address string) (net.Conn, error) {
	return nil, fmt.Errorf("%w: connect to %s", errNotSimulated, address)
}

// Perform always fails: a simulated host runs nothing.
func (c connection) Perform(_ context.Context, command hostcmd.Command, _ io.Reader, _, _ io.Writer) (hostcmd.Output, error) {
	return hostcmd.Output{}, fmt.Errorf("%w: %s", errNotSimulated, command.Step)
}

// Run reads all of stdin, lets the time pass, and then has the host answer.
func (c connection) Run(ctx context.Context, command hostcmd.Command, stdin io.Reader) (hostcmd.Output, error) {
	if stdin != nil {
		if _, err := io.Copy(io.Discard, stdin); err != nil {
			return hostcmd.Output{}, err
		}
	}
	if c.takes > 0 {
		select {
		case <-ctx.Done():
			return hostcmd.Output{}, ctx.Err()
		case <-time.After(c.takes):
		}
	}
	if err := ctx.Err(); err != nil {
		return hostcmd.Output{}, err
	}
	return c.host.answer(command)
}

// host is what one remembers: the highest token of each installation, and what
// lies below each application path.
type host struct {
	mu     sync.Mutex
	fences map[string]uint64
	apps   map[string]*app
}

// manifestAt is where Stage tells the sha256 of the manifest, after the application path.
const manifestAt = 7

func (h *host) answer(c hostcmd.Command) (hostcmd.Output, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Fence.Token < h.fences[c.Fence.Installation] {
		return hostcmd.Output{}, hostcmd.ErrSuperseded
	}
	h.fences[c.Fence.Installation] = c.Fence.Token
	if len(c.Args) == 0 {
		return hostcmd.Output{}, fmt.Errorf("%w: %s", errNotSimulated, c.Step)
	}
	a, args := h.app(c.Args[0]), c.Args[1:]
	switch c.Step {
	case "inspect":
		return a.inspect(), nil
	case "probe":
		return a.probe(args[0], args[1])
	case "stage":
		return a.stage(args[0], args[1], args[manifestAt])
	case "switch":
		return a.activate(args[0], args[1], args[2])
	case "clean":
		keep, err := strconv.Atoi(args[0])
		return a.clean(keep), err
	default:
		return hostcmd.Output{}, fmt.Errorf("%w: %s", errNotSimulated, c.Step)
	}
}

func (h *host) app(base string) *app {
	if h.apps[base] == nil {
		h.apps[base] = &app{releases: map[string]string{}, manifest: map[string]string{}, left: map[string]string{}, before: map[string]string{}}
	}
	return h.apps[base]
}
