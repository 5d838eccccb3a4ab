package gateway_test

import (
	"fmt"
	"testing"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestServersAreSkippedByIDOrByTheNameThatTheyHadThen(t *testing.T) {
	f := start(t)
	h, s := f.withHistory(), f.withScheduler()
	d := finished(xid.New().String(), "1", 600)
	d.State = "running"
	targets := make([]contract.TargetStatus, 600)
	for i := range targets {
		targets[i] = contract.TargetStatus{Host: xid.New().String(), Name: fmt.Sprint("web-", i), Wave: i / 100, State: "pending"}
	}
	h.know(d, targets...)
	s.stand(d.ID, "running")
	path := "/v1/deployments/" + d.ID + "/skip"
	got := f.post(path, object{
		"servers": []string{"web-599", targets[7].Host, "web-7", "web-599"}, "reason": "being repaired",
	}).is(200).object()
	require.Equal(t, map[string]any{"id": d.ID, "state": "running"}, got)
	of, asked := s.lastAsked()
	require.Equal(t, d.ID, of)
	require.Equal(t, contract.Control{
		Verb: "skip", Actor: "bootstrap", Reason: "being repaired",
		Skip: []contract.PlannedTarget{
			{Host: targets[7].Host, Name: "web-7", Wave: 0}, {Host: targets[599].Host, Name: "web-599", Wave: 5},
		},
	}, asked)

	bad := f.post(path, object{"servers": []string{"web-1", "web-600", xid.New().String()}}).refused(422, "invalid_request")
	require.Len(t, bad, 2)
	require.Contains(t, bad, "servers[1]")
	require.Contains(t, bad, "servers[2]")
	require.Equal(t, 1, s.times(), "a mistake skips none")

	s.refuse("web-1 has begun already")
	res := f.post(path, object{"servers": []string{"web-1"}})
	res.refused(409, "state_conflict")
	require.Contains(t, res.text("detail"), "web-1 has begun already")
}

func TestWhatCannotBeSkipped(t *testing.T) {
	f := start(t)
	unknown := "/v1/deployments/" + xid.New().String() + "/skip"
	f.post(unknown, object{"servers": []string{"a"}}).refused(503, "unavailable")
	h, s := f.withHistory(), f.withScheduler()
	f.post(unknown, object{"servers": []string{"a"}}).refused(404, "not_found")
	d := finished(xid.New().String(), "1", 1)
	h.know(d, contract.TargetStatus{Host: xid.New().String(), Name: "a", State: "succeeded"})
	path := "/v1/deployments/" + d.ID + "/skip"
	f.post(path, object{"servers": []string{"a"}}).refused(409, "state_conflict") // it has ended, and the scheduler has forgotten it
	asked := s.times()
	many := make([]string, 101)
	for name, body := range map[string]object{
		"servers": {}, "servers[0]": {"servers": []any{1}}, "reason": {"servers": []string{"a"}, "reason": "a\nb"},
		"digest": {"servers": []string{"a"}, "digest": "x"},
	} {
		require.Contains(t, f.post(path, body).refused(422, "invalid_request"), name)
	}
	for _, servers := range []any{nil, []string{}, many, "a"} {
		require.Contains(t, f.post(path, object{"servers": servers}).refused(422, "invalid_request"), "servers")
	}
	require.Equal(t, asked, s.times())
}
