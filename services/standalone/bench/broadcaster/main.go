//go:build bench

// Command broadcaster shows the events of a stream as server-sent events, and does nothing else: the baseline of live
// events. One consumer reads the stream, each event is written out once for all clients, and each client has a channel.
// It knows nobody, checks nothing, and cannot go back. Its argument is the URL of the broker.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const waiting = 256 // events for one client; one that has more is cut off

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(url string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.OrderedConsumer(ctx, contract.StreamEvents, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return err
	}
	b := &broadcaster{clients: map[chan []byte]bool{}}
	reading, err := consumer.Consume(b.tell)
	if err != nil {
		return err
	}
	defer reading.Stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", b)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	fmt.Printf("http://%s\n", l.Addr()) //nolint:forbidigo // it tells who started it
	if err := server.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

type broadcaster struct {
	mu      sync.Mutex
	clients map[chan []byte]bool
}

func (b *broadcaster) tell(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return
	}
	event := fmt.Appendf(nil, "id: %d\nevent: event\ndata: %s\n\n", meta.Sequence.Stream, m.Data())
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		select {
		case c <- event:
		default:
			delete(b.clients, c)
			close(c)
		}
	}
}

// ServeHTTP implements http.Handler.
func (b *broadcaster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, waiting)
	b.mu.Lock()
	b.clients[events] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.clients, events)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	_ = control.Flush()
	for {
		select {
		case event, open := <-events:
			if !open {
				return
			}
			if _, err := w.Write(event); err != nil {
				return
			}
			_ = control.Flush()
		case <-r.Context().Done():
			return
		}
	}
}
