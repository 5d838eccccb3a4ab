package bus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	quorumInterval = 500 * time.Millisecond
	// A server of a cluster tells its leader of itself every second, and others elect a
	// new leader after four: one that said nothing for so long is not there.
	silence = 3 * time.Second
)

// errNoQuorum says why nothing is stored though there is a connection.
var errNoQuorum = errors.New("the message broker has no quorum")

// Quorum knows whether the broker can store commands: there is a connection, and of the
// servers that keep the stream of commands, the most are there. Who asks it before
// publishing is refused at once, where publishing would fail after a timeout alone. It
// may be behind by some seconds: what it lets through may fail still.
type Quorum struct {
	bus  *Bus
	lost atomic.Bool
}

// WatchQuorum returns what Run keeps up to date. Until then there is a quorum.
func (b *Bus) WatchQuorum() *Quorum { return &Quorum{bus: b} }

// Err says for people why nothing can be stored; nil: it can, as far as is known.
func (q *Quorum) Err() error {
	switch {
	case !q.bus.Connected():
		return errNotConnected
	case q.lost.Load():
		return errNoQuorum
	}
	return nil
}

// Run looks after the servers until ctx ends. That there is no answer within timeout
// twice in a row is taken as no quorum too: no server may lead.
func (q *Quorum) Run(ctx context.Context, timeout time.Duration) {
	stream := q.bus.streams[contract.StreamCommands]
	ticker := time.NewTicker(quorumInterval)
	defer ticker.Stop()
	for silent := 0; ; {
		err := present(ctx, stream, timeout)
		if errors.Is(err, context.DeadlineExceeded) {
			silent++
		} else {
			silent = 0
		}
		switch {
		case ctx.Err() != nil, !q.bus.Connected(), silent == 1:
		case err != nil && q.lost.CompareAndSwap(false, true):
			q.bus.log.Warn().Err(err).Msg("NATS has no quorum: nothing can be stored")
		case err == nil && q.lost.CompareAndSwap(true, false):
			q.bus.log.Info().Msg("NATS has a quorum again")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// present asks the leader of a stream whether most of those that keep it are there. A
// leader that lost the others leads on for ten seconds, and answers what is read.
func present(ctx context.Context, s jetstream.Stream, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	info, err := s.Info(ctx)
	if err != nil || info.Cluster == nil {
		return classify(err)
	}
	here := 1 // it answers itself
	for _, peer := range info.Cluster.Replicas {
		if !peer.Offline && peer.Active < silence {
			here++
		}
	}
	if all := 1 + len(info.Cluster.Replicas); here <= all/2 {
		return fmt.Errorf("%w: %d of %d servers", errNoQuorum, here, all)
	}
	return nil
}
