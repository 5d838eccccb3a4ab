package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// registerFor bounds how long Serve waits for the broker to know of it.
const registerFor = 10 * time.Second

// Endpoint is a subject that requests are answered on.
type Endpoint struct {
	Name    string // among those of its service, as monitoring shows it
	Subject string
	Answer  func(ctx context.Context, r Request)
}

// Request asks for one answer.
type Request struct {
	Data []byte

	nc *nats.Conn
	to string
}

// Reply sends the answer, from any goroutine.
func (r Request) Reply(e contract.Envelope, body contract.Body) error {
	data, err := contract.Encode(e, body)
	if err != nil {
		return err
	}
	return r.nc.Publish(r.to, data)
}

// Replica is this process's part in a service, as others see it.
type Replica struct {
	service micro.Service
	life    *life
	under   underway
	cancel  context.CancelFunc
	unwatch func() bool
	once    sync.Once
}

// Serve registers a replica of the service of this name, and answers requests until
// Stop is called; from its return on the broker knows of the endpoints. Replicas share
// the requests. Each request has a goroutine of its own, for micro hands over one after
// the other. Once ctx has ended, the replica is said to be stopping; requests are
// answered until Stop.
func Serve(ctx context.Context, nc *nats.Conn, about About, endpoints ...Endpoint) (*Replica, error) {
	r := &Replica{}
	meters := map[string]*meter{}
	for _, e := range endpoints {
		meters[e.Name] = &meter{}
	}
	service, err := micro.AddService(nc, micro.Config{
		Name: about.Name, Version: Version(), Description: about.Description, Metadata: about.metadata(),
		StatsHandler: func(e *micro.Endpoint) any {
			told := activity{Work: meters[e.Name].read()}
			if about.Notes != nil {
				told.Notes = about.Notes()
			}
			return told
		},
	})
	if err != nil {
		return nil, fmt.Errorf("register %s: %w", about.Name, err)
	}
	r.service = service
	if r.life, err = tellLife(ctx, nc, service.Info()); err != nil {
		_ = service.Stop()
		return nil, fmt.Errorf("register %s: %w", about.Name, err)
	}
	work, cancel := context.WithCancel(ctx)
	r.cancel = cancel
	r.unwatch = context.AfterFunc(ctx, r.Stopping)
	for _, e := range endpoints {
		handler := func(req micro.Request) {
			// The request's own Respond is for this handler alone: micro reads the request again when it returns.
			asked := Request{Data: req.Data(), nc: nc, to: req.Reply()}
			r.under.begin(func() { meters[e.Name].measure(func() { e.Answer(work, asked) }) })
		}
		if err := service.AddEndpoint(e.Name, micro.HandlerFunc(handler), micro.WithEndpointSubject(e.Subject)); err != nil {
			r.Stop()
			return nil, fmt.Errorf("register %s on %s: %w", about.Name, e.Subject, err)
		}
	}
	if err := nc.FlushTimeout(registerFor); err != nil {
		r.Stop()
		return nil, fmt.Errorf("register %s: %w", about.Name, err)
	}
	r.life.tell(contract.ReplicaStarted)
	return r, nil
}

// ID is the id of the replica, which no other has.
func (r *Replica) ID() string { return r.service.Info().ID }

// Ready says that the replica does its work now.
func (r *Replica) Ready() { r.life.tell(contract.ReplicaReady) }

// NotReady takes Ready back, until it is said again: something is away that the work needs.
func (r *Replica) NotReady() { r.life.untell() }

// Stopping says that the replica takes nothing new from now on, as far as others give
// it work. It answers requests until Stop.
func (r *Replica) Stopping() { r.life.tell(contract.ReplicaStopping) }

// Stop lets no answer begin any more, ends the context of those under way, and waits
// for them: who asked gets no answer and asks another replica. More calls do nothing.
func (r *Replica) Stop() {
	r.once.Do(func() {
		r.unwatch()
		r.Stopping()
		_ = r.service.Stop() // fails only if the connection is gone already
		r.under.close()
		r.cancel()
		r.under.all.Wait()
		r.life.tell(contract.ReplicaStopped)
		r.life.end()
	})
}

// underway is the answers that are being given.
type underway struct {
	mu     sync.Mutex // between begin and close: none may begin once all is waited for
	closed bool
	all    sync.WaitGroup
}

func (u *underway) begin(answer func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		u.all.Go(answer)
	}
}

func (u *underway) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
}
