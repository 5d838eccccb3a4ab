package simulated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/jobs"
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

// Connect always fails: nothing listens on a simulated host.
func (c connection) Connect(_ context.Context, address string) (net.Conn, error) {
	return nil, fmt.Errorf("%w: connect to %s", errNotSimulated, address)
}

// Run reads all of stdin, lets the time pass, and then has the host answer.
func (c connection) Run(ctx context.Context, line string, stdin io.Reader) (hostcmd.Output, error) {
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
	return c.host.answer(words(line))
}

// host is what one remembers: the highest token of each installation, and what
// lies below each application path.
type host struct {
	mu     sync.Mutex
	fences map[string]uint64
	apps   map[string]*app
}

// The command line of a step is sh -c <script> <name> <argument> …; those of a
// fenced one begin with installation, token and patience.
const (
	nameAt = 3
	argsAt = 4
	fenced = 3

	manifestAt = 6 // of what follows the application path, in slipway-stage
)

func (h *host) answer(line []string) (hostcmd.Output, error) {
	if len(line) <= argsAt {
		return hostcmd.Output{}, fmt.Errorf("%w: %q", errNotSimulated, line)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	name, args := line[nameAt], line[argsAt:]
	if name == "slipway-inspect" {
		return h.app(args[0]).inspect(), nil
	}
	token, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return hostcmd.Output{}, err
	}
	if token < h.fences[args[0]] {
		return hostcmd.Output{}, hostcmd.ErrSuperseded
	}
	h.fences[args[0]] = token
	args = args[fenced:]
	a, args := h.app(args[0]), args[1:]
	switch name {
	case "slipway-probe":
		return a.probe(args[0], args[1])
	case "slipway-stage":
		return a.stage(args[0], args[1], args[manifestAt])
	case "slipway-switch":
		return a.activate(args[0], args[1], args[2])
	case "slipway-clean":
		keep, err := strconv.Atoi(args[0])
		return a.clean(keep), err
	default:
		return hostcmd.Output{}, fmt.Errorf("%w: %s", errNotSimulated, name)
	}
}

func (h *host) app(base string) *app {
	if h.apps[base] == nil {
		h.apps[base] = &app{releases: map[string]string{}, manifest: map[string]string{}, left: map[string]string{}, before: map[string]string{}}
	}
	return h.apps[base]
}

// words takes a command line apart that hostcmd has quoted.
func words(line string) []string {
	var (
		all    []string
		word   strings.Builder
		quoted bool
	)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			quoted = !quoted
		case c == '\\' && !quoted && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == ' ' && !quoted:
			all = append(all, word.String())
			word.Reset()
		default:
			word.WriteByte(c)
		}
	}
	return append(all, word.String())
}
