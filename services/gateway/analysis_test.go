package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// judged is what makes a deployment a canary that is judged so.
func judged(analysis object) object {
	return object{"strategy": object{"type": "canary", "first": 1, "analysis": analysis}}
}

// up is a check with what is said of its request.
func up(more object) object {
	return object{"name": "up", "http": object{"url": "https://shop.example.com/health"}.with(more)}
}

// errorRate is a check with what is said of its query.
func errorRate(more object) object {
	return object{"name": "errors", "prometheus": object{"query": "errors", "expect": "< 1"}.with(more)}
}

func TestMeasurementsOfACanaryAreAskedForInTheWordsOfPeople(t *testing.T) {
	f := start(t)
	f.shop("1")
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a", "b")}
	for name, c := range map[string]struct {
		asked object
		want  contract.Analysis
		shown object
	}{
		"as little as can be said": {
			object{"checks": []object{up(nil), errorRate(nil)}},
			contract.Analysis{Interval: 60_000, Successes: 5, Inconclusive: 3, Checks: []contract.Check{
				{Name: "up", HTTP: &contract.HTTPCheck{URL: "https://shop.example.com/health", Method: "GET", Status: "200-299", Timeout: 10_000}},
				{Name: "errors", Prometheus: &contract.PrometheusCheck{Query: "errors", Expect: "< 1", Absent: "inconclusive"}},
			}},
			object{"interval": "1m0s", "successes": 5.0, "failures": 0.0, "inconclusive": 3.0, "checks": []any{
				map[string]any{"name": "up", "http": map[string]any{"url": "https://shop.example.com/health", "method": "GET", "status": "200-299", "timeout": "10s"}},
				map[string]any{"name": "errors", "prometheus": map[string]any{"query": "errors", "expect": "< 1", "absent": "inconclusive"}},
			}},
		},
		"all that can be said": {
			object{"interval": "1s", "successes": 1000, "failures": 2, "inconclusive": 0, "checks": []object{
				up(object{"method": "POST", "status": "2xx", "body": `"{{version}}"`, "matches": "ok|fine", "timeout": "1m"}),
				errorRate(object{"query": `x{v="{{version}}"}`, "expect": ">=  0.50", "absent": "pass", "url": "http://prometheus:9090/of"}),
			}},
			contract.Analysis{Interval: 1000, Successes: 1000, Failures: 2, Checks: []contract.Check{
				{Name: "up", HTTP: &contract.HTTPCheck{
					URL: "https://shop.example.com/health", Method: "POST", Status: "200-299", Body: `"{{version}}"`, Matches: "ok|fine", Timeout: 60_000,
				}},
				{Name: "errors", Prometheus: &contract.PrometheusCheck{
					Query: `x{v="{{version}}"}`, Expect: ">= 0.5", Absent: "pass", URL: "http://prometheus:9090/of",
				}},
			}},
			object{"interval": "1s", "successes": 1000.0, "failures": 2.0, "inconclusive": 0.0, "checks": []any{
				map[string]any{"name": "up", "http": map[string]any{
					"url": "https://shop.example.com/health", "method": "POST", "status": "200-299", "body": `"{{version}}"`, "matches": "ok|fine", "timeout": "1m0s",
				}},
				map[string]any{"name": "errors", "prometheus": map[string]any{
					"query": `x{v="{{version}}"}`, "expect": ">= 0.5", "absent": "pass", "url": "http://prometheus:9090/of",
				}},
			}},
		},
	} {
		asked := good.with(judged(c.asked))
		policy := f.command(f.post("/v1/deployments", asked).is(202).id()).Body.(contract.DeployCommand).Policy
		require.Equal(t, &c.want, policy.Strategy.Analysis, name)
		_, err := policy.Domain()
		require.NoError(t, err)

		p := as[plan](f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200))
		require.Equal(t, map[string]any(c.shown), p.Strategy["analysis"], name)
		again := good.with(judged(c.shown)).with(object{"dry_run": true})
		require.Equal(t, p.Digest, as[plan](f.post("/v1/deployments", again).is(200)).Digest, "what is shown can be asked for")
	}
	digests := map[string]bool{}
	for _, asked := range []object{
		{"checks": []object{up(nil)}}, {"checks": []object{up(object{"status": "204"})}}, {"checks": []object{up(nil)}, "failures": 1},
	} {
		digests[as[plan](f.post("/v1/deployments", good.with(judged(asked)).with(object{"dry_run": true})).is(200)).Digest] = true
	}
	require.Len(t, digests, 3, "whoever approves a plan approves how it is measured")
}

func TestWhatMeasurementsMayNotBe(t *testing.T) {
	f := start(t)
	f.shop("1")
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a", "b")}
	checks := func(all ...any) object { return judged(object{"checks": all}) }
	var eleven []any
	for i := range 11 {
		eleven = append(eleven, up(nil).with(object{"name": fmt.Sprint(i)}))
	}
	long := strings.Repeat("x", 4097)
	for name, c := range map[string]struct {
		asked  object
		fields []string // of strategy.analysis
	}{
		"nothing":          {judged(object{}), []string{".checks"}},
		"no list":          {judged(object{"checks": up(nil)}), []string{".checks"}},
		"no checks":        {checks(), []string{".checks"}},
		"too many checks":  {checks(eleven...), []string{".checks"}},
		"no check":         {checks("up", up(nil)), []string{".checks[0]"}},
		"neither":          {checks(object{"name": "a"}), []string{".checks[0].prometheus"}},
		"both":             {checks(up(nil).with(errorRate(nil))), []string{".checks[0].http"}},
		"no objects":       {checks(object{"name": "a", "http": "https://a"}), []string{".checks[0].http"}},
		"nameless":         {checks(up(nil).with(object{"name": ""}), up(nil).with(object{"name": nil}), up(nil).with(object{"name": " a"})), []string{".checks[0].name", ".checks[1].name", ".checks[2].name"}},
		"the same name":    {checks(up(nil), errorRate(nil), up(nil)), []string{".checks[2].name"}},
		"unknown fields":   {checks(up(object{"header": "x"}), errorRate(object{"range": "5m"}).with(object{"weight": 1})), []string{".checks[0].http.header", ".checks[1].prometheus.range", ".checks[1].weight"}},
		"empty checks":     {checks(object{"name": "a", "http": object{}}, object{"name": "b", "prometheus": object{}}), []string{".checks[0].http.url", ".checks[1].prometheus.query", ".checks[1].prometheus.expect"}},
		"requests":         {checks(up(object{"url": "ftp://a", "method": "PUT", "status": "ok", "body": "", "matches": "(", "timeout": "61s"})), []string{".checks[0].http.url", ".checks[0].http.method", ".checks[0].http.status", ".checks[0].http.body", ".checks[0].http.matches", ".checks[0].http.timeout"}},
		"no status":        {checks(up(object{"status": ""})), []string{".checks[0].http.status"}},
		"a body of HEAD":   {checks(up(object{"method": "HEAD", "body": "{{host}}", "matches": "ok"})), []string{".checks[0].http.body", ".checks[0].http.matches"}},
		"credentials":      {checks(up(object{"url": "https://user:secret@a"}), errorRate(object{"url": "https://user:secret@a"})), []string{".checks[0].http.url", ".checks[1].prometheus.url"}},
		"queries":          {checks(errorRate(object{"query": long, "expect": "small", "absent": "maybe", "url": "http://a?b=c"})), []string{".checks[0].prometheus.query", ".checks[0].prometheus.expect", ".checks[0].prometheus.absent", ".checks[0].prometheus.url"}},
		"placeholders":     {checks(up(object{"body": "{{host}}"}), errorRate(object{"query": "{{host}}"})), []string{".checks[0].http.body", ".checks[1].prometheus.query"}},
		"numbers":          {judged(object{"checks": []object{up(nil)}, "interval": "999ms", "successes": 0, "failures": -1, "inconclusive": 1001, "more": 1}), []string{".interval", ".successes", ".failures", ".inconclusive", ".more"}},
		"no duration":      {judged(object{"checks": []object{up(nil)}, "interval": 30}), []string{".interval"}},
		"no object":        {object{"strategy": object{"type": "canary", "first": 1, "analysis": "yes"}}, []string{""}},
		"another strategy": {object{"strategy": object{"type": "serial", "analysis": object{"checks": []object{up(nil)}}}}, []string{""}},
	} {
		bad := f.post("/v1/deployments", good.with(c.asked)).refused(422, "invalid_request")
		require.Len(t, bad, len(c.fields), "%s: %v", name, bad)
		for _, field := range c.fields {
			require.Contains(t, bad, "strategy.analysis"+field, name)
		}
		require.NotContains(t, fmt.Sprint(bad), "secret")
	}
	require.Zero(t, f.commands())
}

// Else the text would be empty, and every body holds that.
func TestARollbackToWhateverRanBeforeIsNotMeasuredByItsVersion(t *testing.T) {
	f := start(t)
	h, d, ids := f.rolled("a", "b")
	path := "/v1/deployments/" + d.ID + "/rollback"
	for _, about := range []object{up(object{"body": "v{{version}}"}), errorRate(object{"query": `x{v="{{version}}"}`})} {
		asked := judged(object{"checks": []object{about}})
		require.Contains(t, f.post(path, asked).refused(422, "invalid_request")["strategy.analysis.checks"], "{{version}}")
		f.post(path, asked.with(object{"to": "1"})).is(202)
	}
	f.post(path, judged(object{"checks": []object{up(object{"body": "{{application}}"}), errorRate(nil)}})).is(202)

	back := finished("d4k2p8rme3rs73f1q0a0", "", 1)
	back.Kind, back.State, back.RollbackOf = "rollback", "failed", d.ID
	h.know(back, contract.TargetStatus{Host: ids[0], Name: "a", State: "failed"})
	again := f.post("/v1/deployments/"+back.ID+"/retry", judged(object{"checks": []object{up(object{"body": "{{version}}"})}}))
	require.Contains(t, again.refused(422, "invalid_request"), "strategy.analysis.checks")
}
