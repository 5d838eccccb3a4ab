package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// storedTokens is the bucket of the tokens.
func (f *fixture) storedTokens() *bus.Cells[map[string]any] {
	f.Helper()
	cells, err := bus.OpenCells[map[string]any](f.Context(), f.bus, contract.BucketTokens)
	require.NoError(f, err)
	return cells
}

func TestATokenIsShownOnceAndStoredAsItsHash(t *testing.T) {
	f := start(t)
	wanted := object{"name": "ci", "grants": []object{grant("deployer", "shop"), grant("deployer", "shop"), grant("viewer", "")}, "expires_in": "720h"}
	made := f.once("k", "/v1/tokens", wanted).is(201)
	require.Equal(t, "/v1/tokens/"+made.id(), made.Header.Get("Location"))
	secret := made.text("token")
	require.Regexp(t, `^slw_[A-Za-z0-9_-]{43}$`, secret)
	require.Equal(t, "bootstrap", made.text("created_by"))
	require.Equal(t, []any{map[string]any{"role": "deployer", "project": "shop"}, map[string]any{"role": "viewer"}}, made.object()["grants"])
	expires, err := time.Parse(time.RFC3339, made.text("expires_at"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(720*time.Hour), expires, time.Minute)

	again := f.once("k", "/v1/tokens", wanted).is(201)
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, made.id(), again.id())
	for _, res := range []*reply{again, f.get("/v1/tokens/" + made.id()).is(200), f.get("/v1/tokens").is(200)} {
		require.NotContains(t, string(res.raw), "slw_")
	}
	who := f.as(secret).get("/v1/whoami").is(200)
	require.Equal(t, made.id(), who.id())
	require.Equal(t, made.text("expires_at"), who.text("expires_at"))
	for name, text := range f.stored() {
		require.NotContains(t, text, secret, name)
	}
	require.NotContains(t, f.log.String(), secret)
	f.eventually(func() bool { return f.get("/v1/tokens/"+made.id()).text("last_used_at") != "" }, "that it was seen is never told")

	f.delete("/v1/tokens/" + made.id()).is(204)
	f.as(secret).get("/v1/whoami").refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	f.get("/v1/tokens/"+made.id()).refused(404, "not_found")
	f.delete("/v1/tokens/"+made.id()).refused(404, "not_found")
}

func TestATokenWhoseAnswerWasLostIsReplaced(t *testing.T) {
	f := start(t)
	wanted := object{"name": "ci", "grants": []object{grant("viewer", "")}}
	lost := f.once("k", "/v1/tokens", wanted).is(201)
	f.forgetAnswer()
	again := f.once("k", "/v1/tokens", wanted).is(201)
	require.Equal(t, lost.id(), again.id())
	f.as(again.text("token")).get("/v1/whoami").is(200)
	f.as(lost.text("token")).get("/v1/whoami").refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	require.Len(t, f.get("/v1/tokens").is(200).column("id"), 2)
}

func TestATokenThatIsRevokedOnOneGatewayIsRefusedOnTheOther(t *testing.T) {
	f := start(t)
	other := f.run()
	made := f.post("/v1/tokens", object{"name": "ci", "grants": []object{grant("viewer", "")}}).is(201)
	its := f.as(made.text("token"))
	ask := func(url string) int {
		return its.send(request{method: "GET", path: "/v1/whoami", url: url}).StatusCode
	}
	require.Equal(t, 200, ask(f.url))
	require.Equal(t, 200, ask(other), "what one has made, the other knows at once")
	f.delete("/v1/tokens/" + made.id()).is(204)
	require.Equal(t, 401, ask(f.url))
	f.eventually(func() bool { return ask(other) == 401 }, "the other goes on taking it")
}

func TestATokenThatHasExpiredSaysSo(t *testing.T) {
	f := start(t)
	_, err := f.storedTokens().Put(t.Context(), digest([]byte("slw_old")), map[string]any{
		"id": "x", "name": "old", "grants": []object{grant("viewer", "")}, "expires_at": time.Now().Add(-time.Second),
	})
	require.NoError(t, err)
	res := f.as("slw_old").get("/v1/whoami")
	res.refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	require.Contains(t, res.text("detail"), "expired")
	require.NotEmpty(t, res.Header.Get("WWW-Authenticate"))
}

func TestWhatIsWrongWithATokenIsNamed(t *testing.T) {
	f := start(t)
	good := object{"name": "ci", "grants": []object{grant("viewer", "")}}
	for name, fields := range map[string]object{
		"name":               {"name": " ci"},
		"grants":             {"grants": []object{}},
		"grants[0].role":     {"grants": []object{grant("admin", "")}},
		"grants[1].project":  {"grants": []object{grant("viewer", ""), grant("viewer", "No Such Name")}},
		"grants[0].projects": {"grants": []object{{"role": "viewer", "projects": []string{"x"}}}},
		"expires_in":         {"expires_in": "30s"},
		"token":              {"token": "slw_mine"},
	} {
		require.Contains(t, f.post("/v1/tokens", good.with(fields)).refused(422, "invalid_request"), name)
	}
	fields := f.post("/v1/tokens", object{}).refused(422, "invalid_request")
	require.Contains(t, fields, "name")
	require.Contains(t, fields, "grants")
	require.Contains(t, f.post("/v1/tokens", object{"name": "x", "grants": nil}).refused(422, "invalid_request"), "grants")
	require.Contains(t, f.get("/v1/tokens?role=viewer").refused(422, "invalid_request"), "role")
	require.Len(t, f.get("/v1/tokens").is(200).column("id"), 1)
}

func TestNobodyGrantsMoreThanTheyHave(t *testing.T) {
	f := start(t)
	shop := f.as(f.tokenFor(grant("administrator", "shop")))
	for _, grants := range [][]object{
		{grant("viewer", "")}, {grant("viewer", "web")}, {grant("viewer", "shop"), grant("viewer", "web")}, {grant("administrator", "")},
	} {
		shop.post("/v1/tokens", object{"name": "x", "grants": grants}).refused(403, "forbidden")
	}
	made := shop.post("/v1/tokens", object{"name": "x", "grants": []object{grant("administrator", "shop")}}).is(201)
	bootstrap := f.get("/v1/whoami").id()
	shop.get("/v1/tokens/"+bootstrap).refused(404, "not_found")
	shop.delete("/v1/tokens/"+bootstrap).refused(404, "not_found")
	shop.delete("/v1/tokens/" + made.id()).is(204)
	f.as(f.tokenFor(grant("deployer", ""))).post("/v1/tokens", object{"name": "x", "grants": []object{grant("viewer", "")}}).refused(403, "forbidden")
}
