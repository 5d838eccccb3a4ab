package foldtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// What a Memory is about to do, or has done, when it asks for a fault.
const (
	Reading       = "reading"
	WritingBucket = "writing a bucket"          // for each one
	WritingHeader = "writing a header"          // for each one
	WritingHosts  = "writing hosts"             // for each piece
	WritingShared = "writing a shared document" // for each one
	Checkpointing = "writing the checkpoint"
	SettingAside  = "setting aside"
	WritingPage   = "writing a page"    // for each one
	WritingOutput = "writing an output" // for each one
	Written       = "written"           // after any write
)

// Memory is a store that keeps documents in memory, to fail on purpose.
type Memory struct {
	mu         sync.Mutex
	docs       Documents
	archived   map[string]fold.Archived
	checkpoint fold.Checkpoint
	fault      func(doing string) error
}

// Documents is everything that a Memory holds for users.
type Documents struct {
	Headers map[string]deploy.Header
	Buckets map[fold.BucketKey]deploy.Bucket
	Hosts   map[fold.BucketKey]deploy.Hosts
	Outputs map[fold.BucketKey]deploy.Output
	Pages   map[fold.PageKey]deploy.Page
	Aside   map[uint64]fold.Rejected

	Statistics map[fold.StatisticsKey]deploy.Statistics
	Placements map[fold.PartKey]deploy.Placements
	Departures map[fold.DepartureKey]deploy.Departures
}

func noDocuments() Documents {
	return Documents{
		Headers: map[string]deploy.Header{}, Buckets: map[fold.BucketKey]deploy.Bucket{},
		Hosts:   map[fold.BucketKey]deploy.Hosts{},
		Outputs: map[fold.BucketKey]deploy.Output{}, Pages: map[fold.PageKey]deploy.Page{}, Aside: map[uint64]fold.Rejected{},
		Statistics: map[fold.StatisticsKey]deploy.Statistics{}, Placements: map[fold.PartKey]deploy.Placements{},
		Departures: map[fold.DepartureKey]deploy.Departures{},
	}
}

// NewMemory returns an empty store that never fails.
func NewMemory() *Memory {
	return &Memory{
		docs:     noDocuments(),
		archived: map[string]fold.Archived{},
		fault:    func(string) error { return nil },
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
	clear(m.archived)
	clear(m.docs.Headers)
	clear(m.docs.Buckets)
	clear(m.docs.Hosts)
	clear(m.docs.Outputs)
	clear(m.docs.Pages)
	clear(m.docs.Aside)
	clear(m.docs.Statistics)
	clear(m.docs.Placements)
	clear(m.docs.Departures)
}

// Documents returns what it holds now.
func (m *Memory) Documents() Documents {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Documents{
		maps.Clone(m.docs.Headers), maps.Clone(m.docs.Buckets), maps.Clone(m.docs.Hosts),
		maps.Clone(m.docs.Outputs), maps.Clone(m.docs.Pages), maps.Clone(m.docs.Aside),
		maps.Clone(m.docs.Statistics), maps.Clone(m.docs.Placements), maps.Clone(m.docs.Departures),
	}
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

// Hosts implements fold.Store.
func (m *Memory) Hosts(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Hosts, error) {
	return read(ctx, m, m.docs.Hosts, keys)
}

// Outputs implements fold.Store and query.Documents.
func (m *Memory) Outputs(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Output, error) {
	return read(ctx, m, m.docs.Outputs, keys)
}

// Pages implements fold.Store and query.Documents.
func (m *Memory) Pages(ctx context.Context, keys []fold.PageKey) (map[fold.PageKey]deploy.Page, error) {
	return read(ctx, m, m.docs.Pages, keys)
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
	for _, h := range m.docs.Headers {
		if page.Shows(h) && (page.Server == "" || m.serves(h, page.Server)) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b deploy.Header) int {
		order := query.PlaceOf(b).Compare(query.PlaceOf(a))
		if page.OldestFirst {
			return -order
		}
		return order
	})
	return found[:min(len(found), page.Limit)], nil
}

// serves says whether the server is among the targets of the deployment.
func (m *Memory) serves(h deploy.Header, server string) bool {
	for i := range h.Counts {
		if slices.Contains(m.docs.Hosts[fold.BucketKey{Deployment: h.ID, Index: i}].IDs, server) {
			return true
		}
	}
	return false
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

// PutHosts implements fold.Store.
func (m *Memory) PutHosts(ctx context.Context, changes []fold.Change[deploy.Hosts]) error {
	return write(ctx, m, m.docs.Hosts, WritingHosts, changes, func(h deploy.Hosts) (fold.BucketKey, uint64) {
		return fold.BucketKey{Deployment: h.Deployment, Index: h.Index}, h.Seq
	})
}

// PutOutputs implements fold.Store.
func (m *Memory) PutOutputs(ctx context.Context, changes []fold.Change[deploy.Output]) error {
	return write(ctx, m, m.docs.Outputs, WritingOutput, changes, func(o deploy.Output) (fold.BucketKey, uint64) {
		return fold.BucketKey{Deployment: o.Deployment, Index: o.Index}, o.Seq
	})
}

// PutPages implements fold.Store.
func (m *Memory) PutPages(ctx context.Context, changes []fold.Change[deploy.Page]) error {
	return write(ctx, m, m.docs.Pages, WritingPage, changes, func(p deploy.Page) (fold.PageKey, uint64) {
		return fold.PageKey{Deployment: p.Deployment, Index: p.Index, Number: p.Number}, p.Seq
	})
}

// Statistics implements fold.Store.
func (m *Memory) Statistics(ctx context.Context, keys []fold.StatisticsKey) (map[fold.StatisticsKey]deploy.Statistics, error) {
	return read(ctx, m, m.docs.Statistics, keys)
}

// PutStatistics implements fold.Store.
func (m *Memory) PutStatistics(ctx context.Context, changes []fold.Change[deploy.Statistics]) error {
	return write(ctx, m, m.docs.Statistics, WritingShared, changes, func(s deploy.Statistics) (fold.StatisticsKey, uint64) {
		return fold.StatisticsKey{Application: s.Application, Day: s.Day}, s.Seq
	})
}

// Placements implements fold.Store.
func (m *Memory) Placements(ctx context.Context, keys []fold.PartKey) (map[fold.PartKey]deploy.Placements, error) {
	return read(ctx, m, m.docs.Placements, keys)
}

// PutPlacements implements fold.Store.
func (m *Memory) PutPlacements(ctx context.Context, changes []fold.Change[deploy.Placements]) error {
	return write(ctx, m, m.docs.Placements, WritingShared, changes, func(p deploy.Placements) (fold.PartKey, uint64) {
		return fold.PartKey{Application: p.Application, Part: p.Part}, p.Seq
	})
}

// Departures implements fold.Store.
func (m *Memory) Departures(ctx context.Context, keys []fold.DepartureKey) (map[fold.DepartureKey]deploy.Departures, error) {
	return read(ctx, m, m.docs.Departures, keys)
}

// PutDepartures implements fold.Store.
func (m *Memory) PutDepartures(ctx context.Context, changes []fold.Change[deploy.Departures]) error {
	return write(ctx, m, m.docs.Departures, WritingShared, changes, func(d deploy.Departures) (fold.DepartureKey, uint64) {
		return fold.DepartureKey{PartKey: fold.PartKey{Application: d.Application, Part: d.Part}, Day: d.Day, Number: d.Number}, d.Seq
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

// Archived implements fold.Store and query.Documents.
func (m *Memory) Archived(ctx context.Context, ids []string) (map[string]fold.Archived, error) {
	return read(ctx, m, m.archived, ids)
}

// Archive notes that a deployment is archived, and removes its documents.
func (m *Memory) Archive(a fold.Archived) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := a.Deployment
	m.archived[id] = a
	delete(m.docs.Headers, id)
	maps.DeleteFunc(m.docs.Buckets, func(key fold.BucketKey, _ deploy.Bucket) bool { return key.Deployment == id })
	maps.DeleteFunc(m.docs.Hosts, func(key fold.BucketKey, _ deploy.Hosts) bool { return key.Deployment == id })
	maps.DeleteFunc(m.docs.Outputs, func(key fold.BucketKey, _ deploy.Output) bool { return key.Deployment == id })
	maps.DeleteFunc(m.docs.Pages, func(key fold.PageKey, _ deploy.Page) bool { return key.Deployment == id })
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
