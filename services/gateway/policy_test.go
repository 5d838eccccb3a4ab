package gateway_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestACourseIsAskedForInTheWordsOfPeople(t *testing.T) {
	f := start(t)
	f.shop("1")
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a", "b", "c", "d")}
	for name, c := range map[string]struct {
		asked object
		waves int
		want  contract.Policy
	}{
		"all, bounded": {object{"strategy": object{"type": "all", "max_parallel": 2, "min_healthy": "50%"}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all", MaxParallel: 2, MinHealthy: "50%"},
		}},
		"serial": {object{"strategy": object{"type": "serial", "pause": "1m30s"}}, 4, contract.Policy{
			Strategy: contract.Strategy{Type: "serial", Pause: 90_000}, Failures: contract.Failures{Total: "0"},
		}},
		"rolling": {object{
			"strategy": object{"type": "rolling", "batch": "50%", "pause": "1.5s", "max_parallel": 10_000, "min_healthy": 0},
			"failures": object{"batch": 0, "total": "25%", "then": "pause", "unreachable": "skip"},
		}, 2, contract.Policy{
			Strategy: contract.Strategy{Type: "rolling", Batch: "50%", Pause: 1500, MaxParallel: 10_000, MinHealthy: "0"},
			Failures: contract.Failures{Batch: "0", Total: "25%", Then: "pause", SkipUnreachable: true},
		}},
		"canary": {object{
			"strategy": object{"type": "canary", "first": "1", "hold": "720h"}, "failures": object{"then": "stop", "unreachable": "count"}, "deadline": "2h",
		}, 2, contract.Policy{
			Strategy: contract.Strategy{Type: "canary", First: "1", Hold: 30 * 24 * 3_600_000},
			Failures: contract.Failures{Total: "0", Then: "stop"}, Deadline: 7_200_000,
		}},
		"all, or none": {object{"failures": object{"then": "rollback"}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"}, Failures: contract.Failures{Total: "0", Then: "rollback"},
		}},
		"taken back above a tenth": {object{"failures": object{"then": "rollback", "total": "10%"}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"}, Failures: contract.Failures{Total: "10%", Then: "rollback"},
		}},
		"bounded in time": {object{"timeouts": object{"host": "30m", "step": "90s"}, "progress_deadline": "1h"}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"}, Limits: &contract.JobLimits{Host: 1_800_000, Step: 90_000}, Progress: 3_600_000,
		}},
		"bounded in a step": {object{"timeouts": object{"step": "90s"}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"}, Limits: &contract.JobLimits{Step: 90_000},
		}},
		"not bounded": {object{"timeouts": object{}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"},
		}},
		"at night": {object{"calendar": object{
			"zone": "Europe/Berlin", "except": []string{"2027-01-01", "2026-12-24", "2027-01-01"},
			"windows": []object{
				{"days": []string{"fri", "mon", "fri"}, "from": "22:00", "to": "06:00"},
				{"from": "00:00", "to": "00:00"},
			},
		}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"},
			Calendar: &contract.Calendar{
				Zone: "Europe/Berlin", Except: []string{"2026-12-24", "2027-01-01"},
				Windows: []contract.Window{
					{Days: []string{"mon", "fri"}, From: "22:00", To: "06:00"},
					{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "00:00", To: "00:00"},
				},
			},
		}},
		"at noon in UTC": {object{"calendar": object{"windows": []object{{"from": "12:00", "to": "13:00", "days": []string{"sun"}}}}}, 1, contract.Policy{
			Strategy: contract.Strategy{Type: "all"},
			Calendar: &contract.Calendar{Zone: "UTC", Windows: []contract.Window{{Days: []string{"sun"}, From: "12:00", To: "13:00"}}},
		}},
		"canary in batches": {object{"strategy": object{"type": "canary", "first": 1, "batch": 2}}, 3, contract.Policy{
			Strategy: contract.Strategy{Type: "canary", First: "1", Batch: "2"}, Failures: contract.Failures{Total: "0"},
		}},
	} {
		res := f.post("/v1/deployments", good.with(c.asked)).is(202)
		require.EqualValues(t, c.waves, res.object()["waves"], name)
		require.Equal(t, c.want.Strategy.Type, res.text("strategy"))
		policy := f.command(res.id()).Body.(contract.DeployCommand).Policy
		c.want.Progress = cmp.Or(c.want.Progress, 600_000)
		require.Equal(t, c.want, policy, name)
		_, err := policy.Domain()
		require.NoError(t, err)
	}
}

func TestWhenAndWithWhoseWordADeploymentBegins(t *testing.T) {
	f := start(t)
	f.shop("1")
	at := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a")}
	before := time.Now()
	res := f.post("/v1/deployments", good.with(object{
		"start_at": at.In(time.FixedZone("", 7200)).Format(time.RFC3339), "approval": object{"not_requester": true, "expires_in": "90m"},
	})).is(202)
	policy := f.command(res.id()).Body.(contract.DeployCommand).Policy
	require.True(t, at.Equal(*policy.StartAt))
	require.True(t, policy.Approval.NotRequester)
	require.WithinRange(t, policy.Approval.Expires, before.Add(90*time.Minute), time.Now().Add(90*time.Minute))
	require.Regexp(t, `^[0-9a-f]{64}$`, policy.Approval.Digest)
	require.Equal(t, policy.Approval.Digest, res.text("digest"), "whoever approves has to name it")
	require.JSONEq(t, string(res.raw), string(f.get("/v1/deployments/"+res.id()).is(200).raw))

	plain := f.post("/v1/deployments", good.with(object{"approval": object{}})).is(202)
	approval := f.command(plain.id()).Body.(contract.DeployCommand).Policy.Approval
	require.False(t, approval.NotRequester)
	require.WithinRange(t, approval.Expires, before.Add(24*time.Hour), time.Now().Add(24*time.Hour))

	h := f.withHistory()
	d := finished(plain.id(), "1", 1)
	d.Seq, d.State = f.begin(plain.id()), "awaiting_approval"
	h.know(d)
	require.Equal(t, approval.Digest, f.get("/v1/deployments/"+plain.id()).is(200).text("digest"))
	d.State = "running"
	h.know(d)
	require.Empty(t, f.get("/v1/deployments/"+plain.id()).is(200).text("digest"))
}

// everyMonday returns every Monday for longer than a calendar is looked through.
func everyMonday() (days []string) {
	for day := time.Now().AddDate(0, 0, -7); day.Before(time.Now().AddDate(0, 0, 410)); day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Monday {
			days = append(days, day.Format(time.DateOnly))
		}
	}
	return days
}

func TestWhatACourseMayNotBe(t *testing.T) {
	f := start(t)
	f.shop("1")
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a", "b")}
	strategy := func(o object) object { return object{"strategy": o} }
	failures := func(o object) object { return object{"failures": o} }
	calendar := func(o object) object {
		return object{"calendar": object{"windows": []object{{"from": "08:00", "to": "09:00"}}}.with(o)}
	}
	for name, c := range map[string]struct {
		asked  object
		fields []string
	}{
		"no type":                 {strategy(object{}), []string{"strategy.type"}},
		"an unknown type":         {strategy(object{"type": "blue", "batch": 1}), []string{"strategy.type"}},
		"no object":               {object{"strategy": "all"}, []string{"strategy"}},
		"what is not known":       {strategy(object{"type": "all", "size": 1}), []string{"strategy.size"}},
		"no batch":                {strategy(object{"type": "rolling"}), []string{"strategy.batch"}},
		"no canary":               {strategy(object{"type": "canary", "first": nil}), []string{"strategy.first"}},
		"strangers to all":        {strategy(object{"type": "all", "first": 1, "batch": 0, "pause": "1s", "hold": "1s"}), []string{"strategy.first", "strategy.batch", "strategy.pause", "strategy.hold"}},
		"strangers to serial":     {strategy(object{"type": "serial", "batch": 2, "max_parallel": 2}), []string{"strategy.batch", "strategy.max_parallel"}},
		"strangers to rolling":    {strategy(object{"type": "rolling", "batch": 2, "first": 1, "hold": "soon"}), []string{"strategy.first", "strategy.hold"}},
		"amounts of nothing":      {strategy(object{"type": "canary", "first": 0, "batch": "0%"}), []string{"strategy.first", "strategy.batch"}},
		"amounts that are none":   {strategy(object{"type": "canary", "first": 1.5, "batch": true, "min_healthy": "most"}), []string{"strategy.first", "strategy.batch", "strategy.min_healthy"}},
		"amounts beyond all":      {strategy(object{"type": "canary", "first": 10_001, "batch": "101%"}), []string{"strategy.first", "strategy.batch"}},
		"no parallel":             {strategy(object{"type": "all", "max_parallel": 0}), []string{"strategy.max_parallel"}},
		"too much parallel":       {strategy(object{"type": "all", "max_parallel": 10_001}), []string{"strategy.max_parallel"}},
		"durations that are none": {strategy(object{"type": "canary", "first": 1, "pause": 30, "hold": "2d"}), []string{"strategy.pause", "strategy.hold"}},
		"durations of nothing":    {strategy(object{"type": "canary", "first": 1, "pause": "0s", "hold": "-1s"}), []string{"strategy.pause", "strategy.hold"}},
		"durations without end":   {strategy(object{"type": "canary", "first": 1, "hold": "721h"}), []string{"strategy.hold"}},
		"health that forbids it":  {strategy(object{"type": "all", "min_healthy": 2}), []string{"strategy.min_healthy"}},
		"health of them all":      {strategy(object{"type": "all", "min_healthy": "100%"}), []string{"strategy.min_healthy"}},
		"failures":                {failures(object{"batch": -1, "total": "x", "then": "explode", "unreachable": true, "more": 1}), []string{"failures.batch", "failures.total", "failures.then", "failures.unreachable", "failures.more"}},
		"an approval for ever":    {object{"approval": object{"expires_in": "169h"}}, []string{"approval.expires_in"}},
		"an approval by nobody":   {object{"approval": object{"not_requester": 1, "expires_in": "31d", "by": "me"}}, []string{"approval.not_requester", "approval.expires_in", "approval.by"}},
		"an approval that is yes": {object{"approval": true}, []string{"approval"}},
		"no time":                 {object{"start_at": "tomorrow", "deadline": "1"}, []string{"start_at", "deadline"}},
		"a time that is over":     {object{"start_at": time.Now().Add(-time.Minute).Format(time.RFC3339)}, []string{"start_at"}},
		"a time far away":         {object{"start_at": time.Now().AddDate(1, 0, 2).Format(time.RFC3339)}, []string{"start_at"}},
		"orders that are none":    {strategy(object{"type": "all", "order_by": "-"}), []string{"strategy.order_by"}},
		"times that are none":     {object{"timeouts": object{"host": "1d", "step": 5, "all": "1h"}, "progress_deadline": "0s"}, []string{"timeouts.host", "timeouts.step", "timeouts.all", "progress_deadline"}},
		"no calendar":             {object{"calendar": "nights"}, []string{"calendar"}},
		"an empty calendar":       {object{"calendar": object{}}, []string{"calendar.windows"}},
		"no windows":              {calendar(object{"windows": []object{}}), []string{"calendar.windows"}},
		"windows that are none":   {calendar(object{"windows": []any{"mon", object{"from": "8:00", "to": "24:00", "days": []string{"mon", "Tue"}, "zone": "UTC"}, object{"days": []string{}}}}), []string{"calendar.windows[0]", "calendar.windows[1].from", "calendar.windows[1].to", "calendar.windows[1].days[1]", "calendar.windows[1].zone", "calendar.windows[2].days", "calendar.windows[2].from", "calendar.windows[2].to"}},
		"too many windows":        {calendar(object{"windows": slices.Repeat([]object{{"from": "08:00", "to": "09:00"}}, 51)}), []string{"calendar.windows"}},
		"zones that are none":     {calendar(object{"zone": "Mars/Olympus", "except": []any{"2026-12-24", "24.12.2026", 1}}), []string{"calendar.zone", "calendar.except[1]", "calendar.except[2]"}},
		"another zone everywhere": {calendar(object{"zone": "Local"}), []string{"calendar.zone"}},
		"no zone":                 {calendar(object{"zone": ""}), []string{"calendar.zone"}},
		"a calendar never open":   {calendar(object{"windows": []object{{"days": []string{"mon"}, "from": "02:30", "to": "02:31"}}, "except": everyMonday()}), []string{"calendar"}},
		"no way when busy":        {object{"when_busy": "panic"}, []string{"when_busy"}},
		"busy, approved":          {object{"when_busy": "refuse", "approval": object{}}, []string{"when_busy"}},
		"busy, later":             {object{"when_busy": "refuse", "start_at": time.Now().Add(time.Hour).Format(time.RFC3339)}, []string{"when_busy"}},
		"busy, at night":          {calendar(object{}).with(object{"when_busy": "refuse"}), []string{"when_busy"}},
		"a project by any name":   {object{"project": "The Shop"}, []string{"project"}},
		"a project by no name":    {object{"project": ""}, []string{"project"}},
		"a trial that is not":     {object{"dry_run": "yes"}, []string{"dry_run"}},
	} {
		bad := f.post("/v1/deployments", good.with(c.asked)).refused(422, "invalid_request")
		require.Len(t, bad, len(c.fields), "%s: %v", name, bad)
		for _, name := range c.fields {
			require.Contains(t, bad, name)
		}
	}
	require.Zero(t, f.commands())
}
