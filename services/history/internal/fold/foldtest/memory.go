package foldtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// What a Memory is about to do, or has done, when it asks for a fault.
const (
	Reading       = "reading"
	WritingBucket = "writing a bucket" // for each one
	WritingHeader = "writing a header" // for each one
	Checkpointing = "writing the checkpoint"
	SettingAside  = "setting aside"
	Written       = "written" // after any write
)

// Memory is a store that keeps documents in memory, to fail on purpose.
type Memory struct {
	mu         sync.Mutex
	docs       Documents
	checkpoint fold.Checkpoint
	fault      func(doing string) error
}

// Documents is everything that a Memory holds for users.
type Documents struct {
	Headers map[string]deploy.Header
	Buckets map[fold.BucketKey]deploy.Bucket
	Aside   map[uint64]fold.Rejected
}

// NewMemory returns an empty store that never fails.
func NewMemory() *Memory {
	return &Memory{
		docs:  Documents{map[string]deploy.Header{}, map[fold.BucketKey]deploy.Bucket{}, map[uint64]fold.Rejected{}},
		fault: func(string) error { return nil },
	}
}

// Fail makes every step fail with what fault returns for it. A document whose
// step fails is not written; the others of the same call are.
func (m *Memory) Fail(fault func(doing string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// Empty removes everything.
func (m *Memory) Empty() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checkpoint = fold.Checkpoint{}
	clear(m.docs.Headers)
	clear(m.docs.Buckets)
	clear(m.docs.Aside)
}

// Documents returns what it holds now.
func (m *Memory) Documents() Documents {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Documents{maps.Clone(m.docs.Headers), maps.Clone(m.docs.Buckets), maps.Clone(m.docs.Aside)}
}

// Prepare implements fold.Store.
func (m *Memory) Prepare(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault(Reading)
}

// Headers implements fold.Store and query.Documents.
func (m *Memory) Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error) {
	return read(ctx, m, m.docs.Headers, ids)
}

// Buckets implements fold.Store and query.Documents.
func (m *Memory) Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error) {
	return read(ctx, m, m.docs.Buckets, keys)
}

func read[K comparable, V any](ctx context.Context, m *Memory, docs map[K]V, keys []K) (map[K]V, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.fault(Reading)); err != nil {
		return nil, err
	}
	found := map[K]V{}
	for _, key := range keys {
		if doc, ok := docs[key]; ok {
			found[key] = doc
		}
	}
	return found, nil
}

// List implements query.Documents.
func (m *Memory) List(ctx context.Context, page query.Page) ([]deploy.Header, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.fault(Reading)); err != nil {
		return nil, err
	}
	var found []deploy.Header
	for id, h := range m.docs.Headers {
		if h.State != "" && (page.Before == "" || id < page.Before) && (page.State == "" || h.State == page.State) &&
			(page.Application == "" || h.Application == page.Application) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b deploy.Header) int { return strings.Compare(b.ID, a.ID) })
	return found[:min(len(found), page.Limit)], nil
}

// PutHeaders implements fold.Store.
func (m *Memory) PutHeaders(ctx context.Context, changes []fold.Change[deploy.Header]) error {
	return write(ctx, m, m.docs.Headers, WritingHeader, changes, func(h deploy.Header) (string, uint64) { return h.ID, h.Seq })
}

// PutBuckets implements fold.Store.
func (m *Memory) PutBuckets(ctx context.Context, changes []fold.Change[deploy.Bucket]) error {
	return write(ctx, m, m.docs.Buckets, WritingBucket, changes, func(b deploy.Bucket) (fold.BucketKey, uint64) {
		return fold.BucketKey{Deployment: b.Deployment, Index: b.Index}, b.Seq
	})
}

func write[K comparable, V any](ctx context.Context, m *Memory, docs map[K]V, doing string,
	changes []fold.Change[V], identify func(V) (K, uint64),
) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var failed, conflict error
	for _, c := range changes {
		if err := m.fault(doing); err != nil {
			failed = err
			continue
		}
		key, _ := identify(c.Doc)
		var read uint64
		if have, ok := docs[key]; ok {
			_, read = identify(have)
		}
		if read != c.Read {
			conflict = fold.ErrConflict
			continue
		}
		docs[key] = c.Doc
	}
	return cmp.Or(failed, m.fault(Written), conflict)
}

// Checkpoint implements fold.Store.
func (m *Memory) Checkpoint(ctx context.Context) (fold.Checkpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.checkpoint, cmp.Or(ctx.Err(), m.fault(Reading))
}

// PutCheckpoint implements fold.Store.
func (m *Memory) PutCheckpoint(ctx context.Context, next, read fold.Checkpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.fault(Checkpointing)); err != nil {
		return err
	}
	if m.checkpoint != read {
		return fold.ErrConflict
	}
	m.checkpoint = next
	return m.fault(Written)
}

// SetAside implements fold.Store.
func (m *Memory) SetAside(ctx context.Context, r fold.Rejected) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.fault(SettingAside)); err != nil {
		return err
	}
	m.docs.Aside[r.Seq] = r
	return m.fault(Written)
}
