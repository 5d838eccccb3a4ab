package gateway_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestLocksAreShownWithTheNamesOfToday(t *testing.T) {
	f := start(t)
	f.get("/v1/locks").refused(503, "unavailable")
	s := f.withScheduler()
	require.JSONEq(t, `{"items": [], "slots": {"holders": [], "waiting": []}}`, string(f.get("/v1/locks").is(200).raw))

	ids := f.fleet("a", "b", "c")
	owner, next, last := xid.New().String(), xid.New().String(), xid.New().String()
	since := time.Date(2026, 11, 21, 9, 15, 3, 0, time.UTC)
	s.slots = contract.Slots{
		All: 20, Project: 3, Holders: []contract.Slot{{Deployment: owner, Project: "shop", Since: since}},
		Waiting: []contract.Slot{{Deployment: next, Since: since}},
	}
	s.lock(ids[0], owner, next, last)
	s.lock(ids[1], owner)
	s.lock(ids[2], next)
	f.delete("/v1/servers/" + ids[1]).is(204)

	require.Equal(t, map[string]any{
		"items": []any{
			map[string]any{"server": ids[0], "name": "a", "deployment": owner, "waiting": []any{next, last}},
			map[string]any{"server": ids[1], "deployment": owner, "waiting": []any{}},
			map[string]any{"server": ids[2], "name": "c", "deployment": next, "waiting": []any{}},
		},
		"slots": map[string]any{
			"all": 20.0, "project": 3.0,
			"holders": []any{map[string]any{"deployment": owner, "project": "shop", "since": "2026-11-21T09:15:03Z"}},
			"waiting": []any{map[string]any{"deployment": next, "since": "2026-11-21T09:15:03Z"}},
		},
	}, f.get("/v1/locks").is(200).object())
	require.Equal(t, ids, f.pages("/v1/locks?limit=2", "server"))
	for _, ref := range []string{ids[2], "c"} {
		require.Equal(t, []string{ids[2]}, f.get("/v1/locks?server="+ref).is(200).column("server"))
	}
	require.Equal(t, []string{ids[1]}, f.get("/v1/locks?server="+ids[1]).is(200).column("server"), "a deleted server may be locked all the same")
	require.Empty(t, f.get("/v1/locks?server="+xid.New().String()).is(200).column("server"))
	bad := f.get("/v1/locks?server=none&limit=1").refused(422, "invalid_request")
	require.Contains(t, bad, "server")
	bad = f.get("/v1/locks?limit=0&cursor=x&owner=x").refused(422, "invalid_request")
	require.Len(t, bad, 3)
}

func TestALockIsBrokenForTheOneWhoSawIt(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	ids := f.fleet("a", "web 1/ü")
	owner, next := xid.New().String(), xid.New().String()
	s.lock(ids[0], owner)
	s.lock(ids[1], owner)

	path := "/v1/locks/" + url.PathEscape("web 1/ü") + "?deployment="
	res := f.delete(path + next)
	res.refused(409, "conflict")
	require.Contains(t, res.text("detail"), owner)
	f.delete(path + owner + "&reason=" + url.QueryEscape("the machine is gone")).is(204)
	asked := s.brokenLocks()
	require.Equal(t, ids[1], asked[1].Host)
	require.Equal(t, contract.BreakLock{Deployment: owner, Actor: "bootstrap", Reason: "the machine is gone"}, asked[1].Body)
	f.delete(path+owner).refused(404, "not_found")

	f.delete("/v1/servers/" + ids[0]).is(204)
	f.delete("/v1/locks/" + ids[0] + "?deployment=" + owner).is(204)
}

func TestWhatIsNoLockCannotBeBroken(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	owner := xid.New().String()
	f.delete("/v1/locks/a?deployment="+owner).refused(503, "unavailable")
	s := f.withScheduler()
	f.delete("/v1/locks/nobody?deployment="+owner).refused(404, "not_found")
	f.delete("/v1/locks/"+xid.New().String()+"?deployment="+owner).refused(404, "not_found")
	f.delete("/v1/locks/a?deployment="+owner).refused(404, "not_found")
	asked := len(s.brokenLocks())
	for query, field := range map[string]string{
		"": "deployment", "?deployment=": "deployment", "?deployment=a.b": "deployment",
		"?deployment=" + owner + "&reason=": "reason", "?deployment=" + owner + "&force=yes": "force",
	} {
		require.Contains(t, f.delete("/v1/locks/"+ids[0]+query).refused(422, "invalid_request"), field)
	}
	require.Len(t, s.brokenLocks(), asked)
}
