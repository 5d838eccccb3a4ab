// Package idempotency makes a request that is repeated with the same
// Idempotency-Key have one effect and one answer.
//
// The first request creates a record under a hash of the key, by
// compare-and-set, with the id that its resource will have. The record ends up
// with the answer. A gateway that dies in between leaves a record without one: a
// repeat takes it over and goes on with the same id, and whoever stores the
// resource finds what the first attempt stored already. A lease says whether the
// first attempt is still under way; it is a courtesy to the client and no lock:
// two attempts at once are told apart where the resource is stored.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

var (
	// ErrMismatch says that the key belongs to another request.
	ErrMismatch = errors.New("the key belongs to another request")
	// ErrInProgress says that the same request is under way.
	ErrInProgress = errors.New("the same request is under way")
)

const (
	lease   = 15 * time.Second
	renewal = 5 * time.Second
	briefly = 3 * time.Second // for one write to the broker
)

// Answer is what the client was told.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`

	// Content is the sha256 (hex) of what was uploaded, which the fingerprint leaves out: it is known when all of it has
	// come. Empty: nothing was.
	Content string `json:"content,omitempty"`
}

// record is what is stored under a key. It holds no secret: the fingerprint is
// keyed (see Fingerprint), and answers never hold any.
type record struct {
	Fingerprint string    `json:"fingerprint"`
	Resource    string    `json:"resource"` // the id that the resource will have
	Attempt     string    `json:"attempt"`  // whose turn it is
	Until       time.Time `json:"until"`    // end of the lease
	Answer      *Answer   `json:"answer,omitempty"`
}

// Store is the records of this installation.
type Store struct{ cells *bus.Cells[record] }

// Open opens the records.
func Open(ctx context.Context, b *bus.Bus) (*Store, error) {
	cells, err := bus.OpenCells[record](ctx, b, contract.BucketIdempotency)
	if err != nil {
		return nil, err
	}
	return &Store{cells}, nil
}

// Attempt is one try of a request. Exactly one of Finish, Forget and Leave ends
// it.
type Attempt struct {
	Resource string  // the id that the resource is to have
	Resumed  bool    // an earlier attempt may have stored the resource
	Answer   *Answer // the first answer; nothing is to be done then

	store *Store // nil: the request has no key
	key   string
	mu    sync.Mutex
	have  record
	rev   uint64
	stop  chan struct{}
	ended sync.WaitGroup
}

// Without returns an attempt of a request without a key.
func Without() *Attempt { return &Attempt{Resource: xid.New().String()} }

// Part returns the attempt of the nth of several things, below 65536, that one request makes. The id of each follows from
// that of the whole: a repeat makes none twice. They sort in this order.
func (a *Attempt) Part(n uint16) *Attempt {
	id, _ := xid.FromString(a.Resource) // made here: that cannot fail
	whole := sha256.Sum256(id.Bytes())
	copy(id[4:10], whole[:]) // behind the time
	binary.BigEndian.PutUint16(id[10:], n)
	return &Attempt{Resource: id.String(), Resumed: a.Resumed}
}

// Begin begins an attempt of the request with this key and fingerprint. It fails
// with ErrMismatch or ErrInProgress.
func (s *Store) Begin(ctx context.Context, key, fingerprint string) (*Attempt, error) {
	mine := record{Fingerprint: fingerprint, Resource: xid.New().String(), Attempt: xid.New().String()}
	for {
		have, rev, err := s.cells.Get(ctx, key)
		resumed := err == nil
		switch {
		case errors.Is(err, bus.ErrNone):
			have = mine
		case err != nil:
			return nil, err
		case have.Fingerprint != fingerprint:
			return nil, ErrMismatch
		case have.Answer != nil:
			return &Attempt{Resource: have.Resource, Answer: have.Answer}, nil
		case have.Attempt != mine.Attempt && time.Now().Before(have.Until):
			return nil, ErrInProgress
		}
		// An earlier try of this very call is no attempt to be resumed.
		resumed = resumed && have.Attempt != mine.Attempt
		have.Attempt, have.Until = mine.Attempt, time.Now().Add(lease).UTC()
		if rev == 0 {
			rev, err = s.cells.Create(ctx, key, have)
		} else {
			rev, err = s.cells.Set(ctx, key, have, rev)
		}
		if err == nil {
			return s.started(key, have, rev, resumed), nil
		}
		if !errors.Is(err, bus.ErrConflict) {
			return nil, err
		}
	}
}

func (s *Store) started(key string, have record, rev uint64, resumed bool) *Attempt {
	a := &Attempt{Resource: have.Resource, Resumed: resumed, store: s, key: key, have: have, rev: rev, stop: make(chan struct{})}
	a.ended.Go(a.renew)
	return a
}

// renew keeps the lease while the attempt lasts.
func (a *Attempt) renew() {
	tick := time.NewTicker(renewal)
	defer tick.Stop()
	for {
		select {
		case <-a.stop:
			return
		case <-tick.C:
			_ = a.write(context.Background(), func(r *record) { r.Until = time.Now().Add(lease).UTC() })
		}
	}
}

// write changes the record if it is still this attempt's.
func (a *Attempt) write(ctx context.Context, change func(*record)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), briefly)
	defer cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.have
	change(&next)
	rev, err := a.store.cells.Set(ctx, a.key, next, a.rev)
	if err == nil {
		a.have, a.rev = next, rev
	}
	return err
}

func (a *Attempt) end() bool {
	if a.store == nil || a.stop == nil {
		return false
	}
	close(a.stop)
	a.ended.Wait()
	return true
}

// Finish keeps the answer for repeats. Where it cannot be kept, a repeat goes on
// with the same id and finds the resource.
func (a *Attempt) Finish(ctx context.Context, answer Answer) error {
	if !a.end() {
		return nil
	}
	return a.write(ctx, func(r *record) { r.Answer = &answer })
}

// Forget frees the key: nothing was done.
func (a *Attempt) Forget(ctx context.Context) error {
	if !a.end() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), briefly)
	defer cancel()
	return a.store.cells.Delete(ctx, a.key, a.rev)
}

// Leave ends the lease but keeps the id: something may have been done.
func (a *Attempt) Leave(ctx context.Context) error {
	if !a.end() {
		return nil
	}
	return a.write(ctx, func(r *record) { r.Until = time.Time{} })
}
