package listing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	errAway = errors.New("away")
)

// stored is a store of headers.
type stored struct {
	held chan struct{} // nil, or closed when all can be read

	mu      sync.Mutex
	headers map[string]deploy.Header
	hosts   map[fold.BucketKey]deploy.Hosts
	fail    error
}

// hostsOf are those of a deployment, in two pieces.
func hostsOf(h deploy.Header) []deploy.Hosts {
	return []deploy.Hosts{
		{Deployment: h.ID, Seq: 1, IDs: []string{"everywhere", "of " + h.ID}},
		{Deployment: h.ID, Index: 1, Seq: 1, IDs: []string{"far", "everywhere"}},
	}
}

func (s *stored) set(h deploy.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headers[h.ID] = h
	if s.hosts == nil {
		s.hosts = map[fold.BucketKey]deploy.Hosts{}
	}
	for _, on := range hostsOf(h) {
		s.hosts[fold.BucketKey{Deployment: on.Deployment, Index: on.Index}] = on
	}
}

func (s *stored) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.headers, id)
	maps.DeleteFunc(s.hosts, func(key fold.BucketKey, _ deploy.Hosts) bool { return key.Deployment == id })
}

func (s *stored) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *stored) EachHeader(ctx context.Context, do func(deploy.Header) error) error {
	if s.held != nil {
		select {
		case <-s.held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, h := range s.headers {
		if err := do(h); err != nil {
			return err
		}
	}
	return nil
}

func (s *stored) Headers(_ context.Context, ids []string) (map[string]deploy.Header, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	found := map[string]deploy.Header{}
	for _, id := range ids {
		if h, ok := s.headers[id]; ok {
			found[id] = h
		}
	}
	return found, nil
}

func (s *stored) EachHosts(_ context.Context, do func(deploy.Hosts) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hosts {
		if err := do(h); err != nil {
			return err
		}
	}
	return s.fail
}

func (s *stored) Hosts(_ context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Hosts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[fold.BucketKey]deploy.Hosts{}
	for _, key := range keys {
		if h, ok := s.hosts[key]; ok {
			found[key] = h
		}
	}
	return found, s.fail
}

func (s *stored) FillHosts(context.Context, []deploy.Header) error { return nil }

func newListing(t *testing.T, s *stored, kept int) *Listing {
	t.Helper()
	l := New(s)
	l.kept = kept
	t.Cleanup(l.Close)
	return l
}

func header(id string, seq uint64, state deploy.State) deploy.Header {
	return deploy.Header{ID: id, Seq: seq, State: state, Application: "web", AcceptedAt: noon, Reason: "why " + id, Targets: deploy.PieceSize + 1}
}

// TestAListingShowsWhatIsStored puts headers, new ones and old, before it is read and
// after, while only some are kept whole.
func TestAListingShowsWhatIsStored(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &stored{headers: map[string]deploy.Header{}}
		l := New(s)
		defer l.Close()
		l.kept = rapid.IntRange(1, 6).Draw(rt, "kept")
		var seq uint64
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
				l.Reload()
			}
			n := rapid.IntRange(0, 12).Draw(rt, "deployment")
			seq++
			h := header(fmt.Sprintf("d%02d", n), seq, rapid.SampledFrom([]deploy.State{deploy.Running, deploy.Failed}).Draw(rt, "state"))
			h.AcceptedAt = noon.Add(time.Duration(n%5) * time.Minute)
			s.set(h)
			switch rapid.IntRange(0, 7).Draw(rt, "known") {
			case 7: // as when it goes to the archive, and may be brought back before anybody asks
				s.remove(h.ID)
				l.Doubt(h.ID)
				if rapid.Bool().Draw(rt, "brought back") {
					s.set(h)
					l.DoubtHosts(h.ID)
					l.Doubt(h.ID)
				}
			case 6: // as when a write of its hosts failed, and was made
				l.Put(h)
				l.DoubtHosts(h.ID)
			case 5:
				s.remove(h.ID)
				l.Doubt(h.ID)
			case 0:
				l.Reload() // as when another one wrote it
			case 1:
				l.Doubt(h.ID)
			default:
				l.Put(h)
				l.PutHosts(hostsOf(h)...)
			}
			if rapid.IntRange(0, 5).Draw(rt, "asked between") == 0 {
				_, err := l.List(t.Context(), query.Page{Limit: 1})
				require.NoError(rt, err)
			}
		}
		page := query.Page{
			Limit: rapid.IntRange(1, 9).Draw(rt, "limit"), OldestFirst: rapid.Bool().Draw(rt, "oldest first"),
			State:  rapid.SampledFrom([]deploy.State{"", deploy.Failed}).Draw(rt, "asked"),
			Server: rapid.SampledFrom([]string{"", "everywhere", "far", "of d03", "nowhere"}).Draw(rt, "server"),
		}
		var have, want []deploy.Header
		for {
			found, err := l.List(t.Context(), page)
			require.NoError(rt, err)
			have = append(have, found...)
			if len(found) < page.Limit {
				break
			}
			page.After = query.PlaceOf(found[len(found)-1])
		}
		for _, h := range s.headers {
			if (page.State == "" || page.State == h.State) && page.Server != "nowhere" && (page.Server != "of d03" || h.ID == "d03") {
				want = append(want, h)
			}
		}
		slices.SortFunc(want, func(a, b deploy.Header) int { return query.PlaceOf(b).Compare(query.PlaceOf(a)) })
		if page.OldestFirst {
			slices.Reverse(want)
		}
		require.Equal(rt, want, have)
	})
}

func TestWhatIsWrittenWhileAllIsReadIsNewer(t *testing.T) {
	s := &stored{headers: map[string]deploy.Header{"a": header("a", 1, deploy.Running)}, held: make(chan struct{})}
	l := newListing(t, s, 10)
	l.Reload()
	l.Put(header("a", 2, deploy.Failed))
	close(s.held)
	found, err := l.List(t.Context(), query.Page{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []deploy.Header{header("a", 2, deploy.Failed)}, found)
}

func TestAListWaitsUntilAllIsRead(t *testing.T) {
	l := newListing(t, &stored{held: make(chan struct{})}, 10)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errAway)
	_, err := l.List(ctx, query.Page{Limit: 10})
	require.ErrorIs(t, err, errAway)
}

func TestAStoreThatWasAwayIsReadAgain(t *testing.T) {
	s := &stored{headers: map[string]deploy.Header{"a": header("a", 1, deploy.Running)}, fail: errAway}
	l := newListing(t, s, 10)
	_, err := l.List(t.Context(), query.Page{Limit: 10})
	require.ErrorIs(t, err, errAway)
	s.failWith(nil)
	found, err := l.List(t.Context(), query.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, found, 1)

	l.Doubt("a")
	s.set(header("a", 2, deploy.Failed))
	s.failWith(errAway)
	_, err = l.List(t.Context(), query.Page{Limit: 10})
	require.ErrorIs(t, err, errAway)
	s.failWith(nil)
	found, err = l.List(t.Context(), query.Page{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, deploy.Failed, found[0].State)
}
