package retention

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// past is what deployments have done, told in the order in which they did.
type past struct {
	t    require.TestingT
	docs *foldtest.Memory
	runs map[place]deploy.Placement
	all  []deploy.Header
}

func newPast(t require.TestingT) *past {
	return &past{t: t, docs: foldtest.NewMemory(), runs: map[place]deploy.Placement{}}
}

// deployed tells that a deployment of a version ended so many days ago, and how on which
// hosts; a host that failed runs the version all the same where it is told as "switched".
func (p *past) deployed(id, version string, days int, hosts map[string]string, change ...func(*deploy.Header)) {
	h := deploy.Header{
		ID: id, Kind: deploy.KindDeploy, Project: "shop", Application: "web", Path: "/srv/web", Version: version, State: deploy.Succeeded,
		Targets: len(hosts), AcceptedAt: now.AddDate(0, 0, -days), EndedAt: now.AddDate(0, 0, -days).Add(time.Minute), Seq: 1,
	}
	for _, do := range change {
		do(&h)
	}
	b := deploy.Bucket{Deployment: id, Seq: 1}
	for host, how := range hosts {
		t := deploy.Target{Host: host, State: deploy.State(how), Release: version}
		switch how {
		case "switched":
			t.State = deploy.Failed
		case string(deploy.Failed), string(deploy.Running):
			t.Release = ""
		}
		b.Targets = append(b.Targets, t)
		at := place{h.Application, host, h.Path}
		if had := p.runs[at]; t.Release != "" && had.Version != version {
			p.runs[at] = deploy.Placement{Host: host, Path: h.Path, Version: version, Deployment: id, Since: h.EndedAt}
		}
	}
	require.NoError(p.t, p.docs.PutBuckets(context.Background(), []fold.Change[deploy.Bucket]{{Doc: b}}))
	p.all = append(p.all, h)
}

// goes returns the ids of what goes by this policy, oldest first.
func (p *past) goes(policy Policy, spared ...string) []string {
	chosen, err := choose(context.Background(), p, slices.Clone(p.all), Policies{Others: policy}, func(id string) bool { return slices.Contains(spared, id) }, now)
	require.NoError(p.t, err)
	ids := []string{}
	for _, c := range chosen {
		require.NotEmpty(p.t, c.Why)
		ids = append(ids, c.ID)
	}
	return ids
}

// Placements implements facts.
func (p *past) Placements(_ context.Context, keys []fold.PartKey) (map[fold.PartKey]deploy.Placements, error) {
	found := map[fold.PartKey]deploy.Placements{}
	for at, runs := range p.runs {
		key := fold.PartKey{Application: at.application, Part: deploy.PartOf(at.host)}
		if slices.Contains(keys, key) {
			found[key] = deploy.Placements{Application: key.Application, Part: key.Part, All: append(found[key].All, runs)}
		}
	}
	return found, nil
}

// Buckets implements facts.
func (p *past) Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error) {
	return p.docs.Buckets(ctx, keys)
}

var week = Policy{MaxAge: 7 * 24 * time.Hour}

func on(hosts ...string) map[string]string {
	all := map[string]string{}
	for _, h := range hosts {
		all[h] = string(deploy.Succeeded)
	}
	return all
}

func TestWhatIsOldGoesAndWhatIsMoreThanACount(t *testing.T) {
	p := newPast(t)
	for i := range 10 {
		p.deployed(fmt.Sprint("d", i), fmt.Sprint("v", i), 20-2*i, on("a", "b"))
	}
	require.Equal(t, []string{"d0", "d1", "d2", "d3", "d4", "d5", "d6"}, p.goes(week))
	require.Equal(t, []string{"d0", "d1"}, p.goes(Policy{MaxCount: 8}))
	require.Equal(t, []string{"d0", "d1"}, p.goes(Policy{MaxAge: 17 * 24 * time.Hour, MaxCount: 9}), "whichever says so")
	require.Empty(t, p.goes(Policy{}))
	require.Equal(t, []string{"d0", "d3"}, p.goes(Policy{MaxCount: 6}, "d1", "d2"), "those that are spared stay, and do not count")
}

func TestEachProjectHasItsPolicyAndItsCount(t *testing.T) {
	p := newPast(t)
	for i := range 6 {
		p.deployed(fmt.Sprint("d", i), fmt.Sprint("v", i), 20-2*i, on("a"), func(h *deploy.Header) { h.Project = []string{"shop", "ci", ""}[i%3] })
	}
	p.deployed("last", "v9", 1, on("a"), func(h *deploy.Header) { h.Project = "none" })
	chosen, err := choose(context.Background(), p, slices.Clone(p.all), Policies{
		Others: Policy{MaxCount: 1}, Projects: map[string]Policy{"ci": {}, "shop": week},
	}, func(string) bool { return false }, now)
	require.NoError(t, err)
	var ids []string
	for _, c := range chosen {
		ids = append(ids, c.ID)
	}
	require.Equal(t, []string{"d0", "d2", "d3"}, ids)
}

func TestWhatMayBeNeededStaysHoweverOldItIs(t *testing.T) {
	rollback := func(of string) func(*deploy.Header) {
		return func(h *deploy.Header) { h.Kind, h.RollbackOf = deploy.KindRollback, of }
	}
	for name, c := range map[string]struct {
		tell func(*past)
		goes []string
	}{
		"what runs on one server alone": {func(p *past) {
			p.deployed("d1", "v1", 30, on("a", "b"))
			p.deployed("d2", "v2", 20, on("a", "b"))
			p.deployed("d3", "v3", 10, on("a"))
			p.deployed("d4", "v4", 1, on("a"))
		}, []string{"d1", "d3"}}, // d2 runs on b
		"the last of what was deployed again": {func(p *past) {
			p.deployed("d1", "v1", 30, on("a", "b")) // runs, as what put it there
			p.deployed("d2", "v1", 20, on("a", "b"))
			p.deployed("d3", "v1", 10, on("a")) // the newest on a
			p.deployed("d4", "v1", 9, on("a"))
		}, []string{"d3"}},
		"what runs again since what came after was rolled back, and that": {func(p *past) {
			p.deployed("d0", "v0", 40, on("a"))
			p.deployed("d1", "v1", 30, on("a"))
			p.deployed("d2", "v2", 20, on("a"))
			p.deployed("r", "v1", 10, on("a"), rollback("d2"))
		}, []string{"d0"}},
		"the last success where what came after failed": {func(p *past) {
			p.deployed("d0", "v0", 40, on("a", "b"))
			p.deployed("d1", "v1", 30, on("a", "b"))
			p.deployed("d2", "v2", 20, map[string]string{"a": "succeeded", "b": "switched"})
			p.deployed("d3", "v3", 10, map[string]string{"a": "succeeded", "b": "failed"})
		}, []string{"d0"}},
		"the last success where nobody knows what runs": {func(p *past) {
			p.deployed("d0", "v0", 40, on("a", "b"))
			p.deployed("d1", "v1", 30, on("a", "b"))
			p.deployed("d2", "v2", 1, on("a"))
			clear(p.runs)
		}, []string{"d0"}},
		"what a deployment that has not ended refers to": {func(p *past) {
			p.deployed("d0", "v0", 40, on("a"))
			p.deployed("d1", "v1", 30, map[string]string{"a": "failed"}, func(h *deploy.Header) { h.State = deploy.Failed })
			p.deployed("d2", "v2", 20, map[string]string{"a": "running"}, func(h *deploy.Header) {
				h.State, h.RetryOf, h.EndedAt = deploy.Running, "d1", time.Time{}
			})
			p.deployed("d3", "v3", 1, on("a"))
		}, []string{"d0"}},
		"the last of each kind that succeeded": {func(p *past) {
			p.deployed("i0", "", 40, on("x"), func(h *deploy.Header) { h.Kind = deploy.KindInit })
			p.deployed("i1", "", 35, on("x"), func(h *deploy.Header) { h.Kind = deploy.KindInit })
			p.deployed("d0", "v0", 30, on("a"))
			p.deployed("d1", "v1", 20, on("a"))
		}, []string{"i0", "d0"}},
		"what has ended just now": {func(p *past) {
			p.deployed("d0", "v0", 30, on("a"))
			p.deployed("d1", "v1", 20, map[string]string{"a": "failed"}, func(h *deploy.Header) {
				h.State, h.EndedAt = deploy.Failed, now.Add(-Settled/2)
			})
			p.deployed("d2", "v2", 10, on("a"))
		}, []string{"d0"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t)
			c.tell(p)
			require.Equal(t, c.goes, p.goes(Policy{MaxCount: 1, MaxAge: week.MaxAge}))
		})
	}
}

// TestNothingThatIsNeededEverGoes holds what goes against a plain reading of what is needed.
func TestNothingThatIsNeededEverGoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPast(t)
		pick := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "past"), 1)).IntN
		for i := range 2 + pick(25) {
			hosts := map[string]string{}
			for range 1 + pick(4) {
				hosts[fmt.Sprint("h", pick(5))] = []string{"succeeded", "succeeded", "failed", "switched"}[pick(4)]
			}
			p.deployed(fmt.Sprintf("d%02d", i), fmt.Sprint("v", pick(6)), 60-i, hosts, func(h *deploy.Header) {
				h.State = []deploy.State{deploy.Succeeded, deploy.Failed}[pick(2)]
				h.Application = []string{"web", "api"}[pick(2)]
			})
		}
		gone := p.goes(Policy{MaxAge: week.MaxAge, MaxCount: 1 + pick(20)})

		lastSuccess, lastOfWhatRuns, newest := map[place]string{}, map[place]string{}, map[string]string{}
		for _, h := range p.all { // oldest first, as they were told
			buckets, err := p.docs.Buckets(context.Background(), []fold.BucketKey{{Deployment: h.ID}})
			require.NoError(t, err)
			for _, target := range buckets[fold.BucketKey{Deployment: h.ID}].Targets {
				at := place{h.Application, target.Host, h.Path}
				if target.State == deploy.Succeeded {
					lastSuccess[at] = h.ID
				}
				if target.Release != "" && target.Release == p.runs[at].Version {
					lastOfWhatRuns[at] = h.ID
				}
			}
			if h.State == deploy.Succeeded {
				newest[h.Application] = h.ID
			}
		}
		needed := map[string]bool{}
		for _, some := range []map[place]string{lastSuccess, lastOfWhatRuns} {
			for _, id := range some {
				needed[id] = true
			}
		}
		for _, id := range newest {
			needed[id] = true
		}
		for _, runs := range p.runs {
			needed[runs.Deployment] = true
		}
		var want []string
		for _, c := range exceeding(p.all, Policies{Others: Policy{MaxAge: week.MaxAge}}, func(string) bool { return false }, now) {
			if !needed[c.ID] {
				want = append(want, c.ID)
			}
		}
		for _, id := range gone {
			require.False(t, needed[id], id)
		}
		slices.Sort(want)
		require.Subset(t, gone, want, "and all that is old and not needed goes")
	})
}
