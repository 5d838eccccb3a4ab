package gateway_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// plan is a plan as it is read from an answer.
type plan struct {
	Digest   string
	Targets  int
	Count    int `json:"wave_count"`
	Strategy map[string]any
	Failures map[string]any
	Calendar map[string]any
	Timeouts map[string]any
	Progress string `json:"progress_deadline"`
	Steps    []string
	Waves    []struct {
		Wave, Targets int
		Servers       []struct{ ID, Name string }
	}
}

func TestADryRunShowsThePlanAndAcceptsNothing(t *testing.T) {
	f := start(t)
	f.shop("1")
	f.fleet("b", "a", "c", "d")
	asked := object{
		"application": "shop", "version": "1", "servers": []string{"d"}, "selector": object{"role": "web"}, "path": "/srv/shop",
		"strategy": object{"type": "canary", "first": 1, "batch": 2, "pause": "90s", "hold": "2h"}, "approval": object{},
	}
	res := f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200)
	p := as[plan](res)
	require.Equal(t, "/srv/shop", res.text("path"))
	require.Equal(t, "1", res.text("version"))
	require.Equal(t, []string{"connect", "stage", "switch", "clean"}, p.Steps)
	require.Equal(t, map[string]any{
		"type": "canary", "first": "1", "batch": "2", "pause": "1m30s", "hold": "2h0m0s", "max_parallel": 100.0,
	}, p.Strategy)
	require.Equal(t, map[string]any{"total": "0", "then": "stop", "unreachable": "count"}, p.Failures)
	require.Equal(t, "10m0s", p.Progress)
	require.Equal(t, "wait", res.text("when_busy"))
	for _, absent := range []string{"project", "calendar", "timeouts"} {
		require.NotContains(t, res.object(), absent)
	}
	require.Equal(t, []string{"d", "a b", "c"}, p.names())
	require.Equal(t, []int{4, 3}, []int{p.Targets, p.Count})
	require.Zero(t, f.commands())

	accepted := f.post("/v1/deployments", asked).is(202)
	require.Equal(t, p.Digest, f.command(accepted.id()).Body.(contract.DeployCommand).Policy.Approval.Digest, "what was shown is what is approved")
}

// as reads an answer.
func as[T any](r *reply) T {
	r.Helper()
	var v T
	require.NoError(r, json.Unmarshal(r.raw, &v))
	return v
}

// names is the names in each wave.
func (p plan) names() []string {
	var waves []string
	for _, w := range p.Waves {
		var names string
		for i, s := range w.Servers {
			if i > 0 {
				names += " "
			}
			names += s.Name
		}
		waves = append(waves, names)
	}
	return waves
}

func TestADryRunShowsWhatIsSaidOfHoursAndLimits(t *testing.T) {
	f := start(t)
	f.shop("1")
	res := f.post("/v1/deployments", object{
		"project": "checkout", "application": "shop", "version": "1", "servers": f.fleet("a"), "dry_run": true, "when_busy": "wait",
		"failures": object{"then": "rollback"}, "timeouts": object{"host": "1h"}, "progress_deadline": "90s",
		"calendar": object{"windows": []object{{"days": []string{"sun", "mon"}, "from": "22:00", "to": "06:00"}}},
	}).is(200)
	p := as[plan](res)
	require.Equal(t, "checkout", res.text("project"))
	require.Equal(t, map[string]any{"total": "0", "then": "rollback", "unreachable": "count"}, p.Failures)
	require.Equal(t, map[string]any{"host": "1h0m0s"}, p.Timeouts)
	require.Equal(t, "1m30s", p.Progress)
	require.Equal(t, map[string]any{
		"zone": "UTC", "windows": []any{map[string]any{"days": []any{"mon", "sun"}, "from": "22:00", "to": "06:00"}},
	}, p.Calendar)
	require.Zero(t, f.commands())
}

func TestServersAreTakenInTheOrderOfALabel(t *testing.T) {
	f := start(t)
	f.shop("1")
	ids := f.fleet("a", "b", "c", "d", "e")
	for i, rack := range []string{"r10", "", "r9", "r10", "r1"} {
		if rack != "" {
			f.patch("/v1/servers/"+ids[i], object{"labels": object{"rack": rack}}).is(200)
		}
	}
	asked := object{
		"application": "shop", "version": "1", "servers": ids,
		"strategy": object{"type": "rolling", "batch": 2, "order_by": "rack"},
	}
	p := as[plan](f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200))
	require.Equal(t, []string{"e c", "a d", "b"}, p.names())
	require.Equal(t, "rack", p.Strategy["order_by"])
	byHand := asked.with(object{
		"servers": []string{"e", "c", "a", "d", "b"}, "strategy": object{"type": "rolling", "batch": 2}, "dry_run": true,
	})
	require.Equal(t, p.Digest, as[plan](f.post("/v1/deployments", byHand).is(200)).Digest, "the order is what counts, and not where it comes from")
	id := f.post("/v1/deployments", asked).is(202).id()
	require.Equal(t, []string{ids[4], ids[2], ids[0], ids[3], ids[1]}, f.targetsOf(id))
}

func TestTheDigestStandsForWhatWillBeDone(t *testing.T) {
	f := start(t)
	other := f.run() // a second gateway
	ids := f.fleet("a", "b")
	f.shop("1")
	f.shop("2")
	at := time.Now().Add(48 * time.Hour)
	asked := object{
		"application": "shop", "version": "1", "servers": ids, "dry_run": true, "start_at": at.In(time.FixedZone("", 3600)).Format(time.RFC3339),
		"strategy": object{"type": "rolling", "batch": 1},
	}
	digest := func(o object) string { return as[plan](f.post("/v1/deployments", o).is(200)).Digest }
	first := digest(asked)
	require.Regexp(t, `^[0-9a-f]{64}$`, first)
	for name, same := range map[string]object{
		"again":                 {},
		"the names of them":     {"servers": []string{"a", "b"}},
		"the same time":         {"start_at": at.UTC().Format(time.RFC3339)},
		"the same batch":        {"strategy": object{"type": "rolling", "batch": "1"}},
		"what is so by default": {"keep": 5, "path": "apps/shop", "failures": object{"total": 0}, "progress_deadline": "10m"},
		"whether to wait":       {"when_busy": "wait"},
		"with an approval":      {"approval": object{"expires_in": "1h"}},
	} {
		require.Equal(t, first, digest(asked.with(same)), name)
	}
	require.Equal(t, first, as[plan](f.send(request{method: "POST", path: "/v1/deployments", body: asked, url: other}).is(200)).Digest)

	seen := map[string]string{first: "the first"}
	for name, change := range map[string]object{
		"another version":  {"version": "2"},
		"another order":    {"servers": []string{"b", "a"}},
		"fewer servers":    {"servers": []string{"a"}},
		"another path":     {"path": "x"},
		"more to keep":     {"keep": 6},
		"another time":     {"start_at": at.Add(time.Second).Format(time.RFC3339)},
		"a deadline":       {"deadline": "1h"},
		"limits":           {"timeouts": object{"host": "1h"}},
		"a calendar":       {"calendar": object{"windows": []object{{"from": "22:00", "to": "06:00"}}}},
		"another strategy": {"strategy": object{"type": "serial"}},
		"other failures":   {"failures": object{"total": 1}},
	} {
		d := digest(asked.with(change))
		require.Empty(t, seen[d], name)
		seen[d] = name
	}
	f.patch("/v1/servers/"+ids[0], object{"labels": object{"x": "y"}}).is(200)
	require.Equal(t, first, digest(asked), "labels are not what is done")
	f.patch("/v1/servers/"+ids[0], object{"address": "moved.example.com"}).is(200)
	require.NotEqual(t, first, digest(asked))
}

func TestThePlanOfAFleetIsBounded(t *testing.T) {
	f := start(t)
	names := make([]string, 1050)
	for i := range names {
		names[i] = fmt.Sprintf("web-%04d", i)
	}
	f.fleet(names...)
	f.shop("1")
	asked := object{"application": "shop", "version": "1", "selector": object{"role": "web"}, "dry_run": true}
	for name, c := range map[string]struct {
		strategy    object
		count, last int // waves in all, servers shown of the last that is shown
		shown, size int // waves that are shown, servers in the last of them
	}{
		"all":     {object{"type": "all"}, 1, 1000, 1, 1050},
		"serial":  {object{"type": "serial"}, 1050, 1, 1000, 1},
		"rolling": {object{"type": "rolling", "batch": 300}, 4, 100, 4, 150},
	} {
		p := as[plan](f.post("/v1/deployments", asked.with(object{"strategy": c.strategy})).is(200))
		require.Equal(t, 1050, p.Targets)
		require.Equal(t, c.count, p.Count, name)
		require.Len(t, p.Waves, c.shown, name)
		last := p.Waves[len(p.Waves)-1]
		require.Len(t, last.Servers, c.last, name)
		require.Equal(t, c.size, last.Targets, name)
		require.Equal(t, "web-0999", last.Servers[len(last.Servers)-1].Name)
	}
	require.Zero(t, f.commands())
}
