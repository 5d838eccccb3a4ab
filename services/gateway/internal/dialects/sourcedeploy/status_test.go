package sourcedeploy

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// The table of docs/states.md, which libs/deploy draws, is what statuses are made by.
func TestStatusesAreThoseOfTheTable(t *testing.T) {
	text, err := os.ReadFile("../../../../../docs/states.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `([a-z_]+)` \\| (?:–|`([a-z_]+)`) \\|(.*)\\|$")
	found := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		if state := deploy.State(m[2]); !isCause(m[1]) {
			require.Equal(t, m[1], statusOf(state, deploy.Cause(m[3])), "%s", m[0])
			found[m[1]] = true
		}
	}
	require.Len(t, found, 14)
	for also, want := range map[[2]string]string{
		{"accepted"}: "waiting", {"scheduled", "window"}: "waiting", {"waiting", "limit"}: "waiting",
		{"paused", "paused_by_person"}: "inprogress", {"running", "no_executor"}: "inprogress",
		{"holding", "traffic_switched"}: "canary_pending", {"stopping", "not_approved"}: "reject",
		{"stopping", "canary_rejected"}: "canary_rejecting", {"stopping", "canary_analysis"}: "canary_rejecting",
		{"reverting", "canary_analysis"}: "canary_rejecting", {"reverting", "canary_timeout"}: "canary_rejecting",
		{"reverting", "switch_rejected"}: "canary_rejecting", {"reverting", "budget_spent"}: "inprogress", {"stopping", "deadline"}: "inprogress",
		{"failed", "hosts_failed"}: "fail", {"failed", "deadline"}: "fail", {"failed", "switch_rejected"}: "canary_reject",
		{"failed", "canary_analysis"}: "canary_reject",
	} {
		require.Equal(t, want, statusOf(deploy.State(also[0]), deploy.Cause(also[1])), also)
	}
}

// isCause says whether a row is one of the table of causes, which has the same columns.
func isCause(s string) bool {
	for _, c := range deploy.Causes() {
		if string(c) == s {
			return true
		}
	}
	return false
}

func TestEveryStepIsAPartOfTheWay(t *testing.T) {
	before := pre
	for _, s := range deploy.KindDeploy.Steps(deploy.Work{Before: true, Prepare: true, During: true, Restart: true, Check: true, After: true}) {
		part := partOf(s)
		require.GreaterOrEqual(t, part, before, "%s: a part that is over does not begin again", s)
		before = part
	}
	require.Equal(t, post, before)
	require.Equal(t, main, partOf(deploy.StepTraffic))
	require.Equal(t, post, partOf(deploy.StepRetire))
}

func TestATargetIsToldAsItStands(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	ran := func(s deploy.Step, state deploy.State, second int64) step { return step{s, state, at(second)} }
	connected := ran(deploy.StepConnect, deploy.Succeeded, 1)
	brought := []step{connected, ran(deploy.StepStage, deploy.Succeeded, 2), ran(deploy.StepSwitch, deploy.Succeeded, 3)}
	with := func(steps []step, more ...step) []step { return append(append([]step{}, steps...), more...) }
	for name, c := range map[string]struct {
		target target
		over   bool
		status string
		way    string
	}{
		"planned":           {target{State: deploy.Pending}, false, "pending", `{"pre":null,"deploy":null,"post":null} {"pre":null,"deploy":null,"post":null}`},
		"planned, and over": {target{State: deploy.Pending}, true, "no progress", `{"pre":null,"deploy":null,"post":null} {"pre":null,"deploy":null,"post":null}`},
		"skipped":           {target{State: deploy.Skipped}, true, "no progress", `{"pre":null,"deploy":null,"post":null} {"pre":null,"deploy":null,"post":null}`},
		"cancelled before":  {target{State: deploy.Cancelled}, true, "no progress", `{"pre":null,"deploy":null,"post":null} {"pre":null,"deploy":null,"post":null}`},
		"taken":             {target{State: deploy.Running, Attempt: 1}, false, "standby", `{"pre":null,"deploy":null,"post":null} {"pre":null,"deploy":null,"post":null}`},
		"connecting": {
			target{State: deploy.Running, Steps: []step{ran(deploy.StepConnect, deploy.Running, 1)}}, false, "standby",
			`{"pre":1000,"deploy":null,"post":null} {"pre":"inprogress","deploy":null,"post":null}`,
		},
		"hooks before": {
			target{State: deploy.Running, Steps: []step{connected, ran(deploy.StepBefore, deploy.Running, 2)}}, false, "pre",
			`{"pre":1000,"deploy":null,"post":null} {"pre":"inprogress","deploy":null,"post":null}`,
		},
		"hooks before failed": {
			target{State: deploy.Failed, Attempt: 1, Steps: []step{connected, ran(deploy.StepBefore, deploy.Failed, 2)}}, true, "fail",
			`{"pre":1000,"deploy":null,"post":null} {"pre":"fail","deploy":null,"post":null}`,
		},
		"between two steps": {
			target{State: deploy.Running, Steps: brought[:2]}, false, "deploy",
			`{"pre":1000,"deploy":2000,"post":null} {"pre":"success","deploy":"inprogress","post":null}`,
		},
		"checked": {
			target{State: deploy.Running, Steps: with(brought, ran(deploy.StepCheck, deploy.Running, 4))}, false, "post",
			`{"pre":1000,"deploy":2000,"post":4000} {"pre":"success","deploy":"success","post":"inprogress"}`,
		},
		"done": {
			target{State: deploy.Succeeded, Steps: with(brought, ran(deploy.StepRestart, deploy.Skipped, 4), ran(deploy.StepClean, deploy.Succeeded, 5))}, true, "success",
			`{"pre":1000,"deploy":2000,"post":4000} {"pre":"success","deploy":"success","post":"success"}`,
		},
		"cancelled on the way": {
			target{State: deploy.Cancelled, Attempt: 1, Steps: brought[:1]}, true, "fail",
			`{"pre":1000,"deploy":null,"post":null} {"pre":"fail","deploy":null,"post":null}`,
		},
		"a failure that no step has": {
			target{State: deploy.Failed, Attempt: 2, Steps: brought}, true, "fail",
			`{"pre":1000,"deploy":2000,"post":null} {"pre":"success","deploy":"fail","post":null}`,
		},
		"a balancer": {
			target{State: deploy.Succeeded, Steps: []step{connected, ran(deploy.StepTraffic, deploy.Succeeded, 2)}}, true, "success",
			`{"pre":1000,"deploy":2000,"post":null} {"pre":"success","deploy":"success","post":null}`,
		},
	} {
		require.Equal(t, c.status, c.target.status(c.over), name)
		way := c.target.way()
		began, err := json.Marshal(way.Time)
		require.NoError(t, err)
		stands, err := json.Marshal(way.Step)
		require.NoError(t, err)
		require.Equal(t, c.way, string(began)+" "+string(stands), name)
	}
}
