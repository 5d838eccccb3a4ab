package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// audited returns the entries of the log, as the stream has them, after it was verified.
func (f *fixture) audited() []audit.Entry {
	f.Helper()
	var all []audit.Entry
	var lines [][]byte
	err := f.bus.Scan(f.Context(), contract.StreamAudit, []string{contract.AuditLog}, func(s bus.Stored) error {
		for line := range bytes.Lines(s.Data) {
			var e audit.Entry
			line = bytes.TrimSuffix(line, []byte("\n"))
			require.NoError(f, json.Unmarshal(line, &e))
			all, lines = append(all, e), append(lines, line)
		}
		return nil
	})
	require.NoError(f, err)
	found, err := audit.Verify(each(lines), nil)
	require.NoError(f, err)
	require.Nil(f, found.Flaw)
	require.Len(f, all, int(found.Entries))
	return all
}

func each(lines [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// concluded returns what became of the calls with this request id, once so many entries say so.
func (f *fixture) concluded(request string, n int) []audit.Entry {
	f.Helper()
	var found []audit.Entry
	f.eventually(func() bool {
		found = slices.DeleteFunc(f.audited(), func(e audit.Entry) bool { return e.Request != request || e.Outcome == audit.Asked })
		return len(found) >= n
	}, "the log does not say what became of "+request)
	require.Len(f, found, n)
	return found
}

// ask sends a request with this id.
func (f *fixture) ask(id string, r request) *reply {
	f.Helper()
	if r.header == nil {
		r.header = map[string]string{}
	}
	r.header["X-Request-Id"] = id
	return f.send(r)
}

func TestWhatIsChangedIsRecordedBeforeAndAfter(t *testing.T) {
	f := start(t, withWebhooks(t))
	whoami := f.get("/v1/whoami").is(200)
	server := f.ask("add", request{method: "POST", path: "/v1/servers", body: web("a")}).is(201).id()
	f.ask("edit", request{method: "PATCH", path: "/v1/servers/" + server, body: object{"port": 2222}}).is(200)
	f.get("/v1/servers/" + server).is(200)
	f.shop("1")
	ids := f.fleet("b")
	deployment := object{"application": "shop", "version": "1", "servers": ids, "callback_url": "https://example.com/done"}
	d := f.ask("go", request{method: "POST", path: "/v1/deployments", body: deployment}).is(202).id()
	f.ask("drop", request{method: "DELETE", path: "/v1/servers/" + server}).is(204)

	for request, want := range map[string]audit.Entry{
		"add":  {Action: "servers.create", Object: &audit.Object{ID: server, Kind: "server"}, Status: 201},
		"edit": {Action: "servers.change", Object: &audit.Object{ID: server, Kind: "server"}, Status: 200},
		"go":   {Action: "deployments.create", Object: &audit.Object{ID: d, Kind: "deployment"}, Status: 202},
		"drop": {Action: "servers.delete", Object: &audit.Object{ID: server, Kind: "server"}, Status: 204},
	} {
		got := f.concluded(request, 1)[0]
		require.NotZero(t, got.Asked, request)
		before := f.audited()[got.Asked-1]
		require.Equal(t, audit.Asked, before.Outcome)
		require.Less(t, before.Seq, got.Seq)
		require.False(t, before.Time.After(got.Time))
		for _, e := range []audit.Entry{before, got} {
			require.Equal(t, want.Action, e.Action)
			require.Equal(t, want.Object, e.Object)
			require.Equal(t, &audit.Actor{ID: whoami.id(), Name: "bootstrap"}, e.Actor)
			require.Equal(t, "127.0.0.1", e.Remote)
			require.Equal(t, request, e.Request)
			require.Regexp(t, `^[0-9a-f]{64}$`, e.Digest)
			require.Equal(t, before.Digest, e.Digest)
			require.WithinDuration(t, time.Now(), e.Time, patience)
		}
		require.Equal(t, audit.Accepted, got.Outcome)
		require.Equal(t, want.Status, got.Status)
		require.False(t, got.Repeat)
	}
	for _, e := range f.audited() {
		require.NotEqual(t, "servers.read", e.Action, "who reads is not recorded")
	}
}

// A deployment that follows from another is told apart from it.
func TestWhatComesOfADeploymentIsNamedBesideIt(t *testing.T) {
	f := start(t)
	_, d, _ := f.rolled("a", "b")
	again := f.ask("back", request{method: "POST", path: "/v1/deployments/" + d.ID + "/rollback", body: object{"to": "1"}}).is(202).id()
	got := f.concluded("back", 1)[0]
	before := f.audited()[got.Asked-1]
	for _, e := range []audit.Entry{before, got} {
		require.Equal(t, "deployments.rollback", e.Action)
		require.Equal(t, &audit.Object{ID: d.ID, Kind: "deployment"}, e.Object)
		require.Equal(t, again, e.Made)
	}
	require.Contains(t, f.pages("/v1/audit?limit=2&object="+again, "seq"), fmt.Sprint(got.Seq))
}

func TestWhatIsRefusedIsRecorded(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	deployment := object{"application": "shop", "version": "1", "servers": ids}
	f.ask("bad", request{method: "POST", path: "/v1/deployments", body: deployment.with(object{"version": "9"})}).is(422)
	f.ask("dry", request{method: "POST", path: "/v1/deployments", body: deployment.with(object{"dry_run": true})}).is(200)
	f.ask("gone", request{method: "DELETE", path: "/v1/servers/none"}).is(404)
	f.ask("media", request{method: "POST", path: "/v1/servers", body: []byte("x"), media: "text/plain"}).is(415)
	once := map[string]string{"Idempotency-Key": "k"}
	first := f.ask("first", request{method: "POST", path: "/v1/deployments", body: deployment, header: once}).is(202).id()
	f.ask("second", request{method: "POST", path: "/v1/deployments", body: deployment, header: once}).is(202)
	f.ask("other", request{method: "POST", path: "/v1/deployments", body: deployment.with(object{"keep": 9}), header: once}).is(422)
	f.ask("nobody", request{method: "POST", path: "/v1/deployments", body: deployment, anonymous: true}).is(401)
	f.ask("reader", request{method: "GET", path: "/v1/servers/" + ids[0], anonymous: true}).is(401)
	cells, err := bus.OpenCells[map[string]any](t.Context(), f.bus, contract.BucketTokens)
	require.NoError(t, err)
	_, err = cells.Put(t.Context(), digest([]byte("slw_guest")), map[string]any{"id": "x", "name": "guest", "role": "guest"})
	require.NoError(t, err)
	admin := f.token
	f.token = "slw_guest"
	f.ask("guest", request{method: "DELETE", path: "/v1/servers/" + ids[0]}).is(403)
	f.token = admin

	known := &audit.Actor{ID: f.get("/v1/whoami").id(), Name: "bootstrap"}
	cases := map[string]audit.Entry{
		"bad":    {Action: "deployments.create", Outcome: audit.Refused, Status: 422, Code: "invalid_request", Actor: known, Object: &audit.Object{Kind: "deployment"}},
		"dry":    {Action: "deployments.create", Outcome: audit.Accepted, Status: 200, Actor: known, Object: &audit.Object{Kind: "deployment"}},
		"gone":   {Action: "servers.delete", Outcome: audit.Refused, Status: 404, Code: "not_found", Actor: known, Object: &audit.Object{ID: "none", Kind: "server"}},
		"media":  {Action: "servers.create", Outcome: audit.Refused, Status: 415, Code: "unsupported_media_type", Actor: known, Object: &audit.Object{Kind: "server"}},
		"first":  {Action: "deployments.create", Outcome: audit.Accepted, Status: 202, Actor: known, Object: &audit.Object{ID: first, Kind: "deployment"}},
		"second": {Action: "deployments.create", Outcome: audit.Accepted, Status: 202, Actor: known, Object: &audit.Object{ID: first, Kind: "deployment"}, Repeat: true},
		"other":  {Action: "deployments.create", Outcome: audit.Refused, Status: 422, Code: "idempotency_mismatch", Actor: known, Object: &audit.Object{Kind: "deployment"}},
		"nobody": {Action: "deployments.create", Outcome: audit.Refused, Status: 401, Code: "unauthorized", Object: &audit.Object{Kind: "deployment"}},   //nolint:misspell // as HTTP spells it
		"reader": {Action: "servers.read", Outcome: audit.Refused, Status: 401, Code: "unauthorized", Object: &audit.Object{ID: ids[0], Kind: "server"}}, //nolint:misspell // the same
		"guest":  {Action: "servers.delete", Outcome: audit.Refused, Status: 403, Code: "forbidden", Actor: &audit.Actor{ID: "x", Name: "guest"}, Object: &audit.Object{ID: ids[0], Kind: "server"}},
	}
	for request, want := range cases {
		got := f.concluded(request, 1)[0]
		require.Equal(t, request == "first" || request == "gone", got.Asked > 0, "%s: it came so far that something could be changed", request)
		require.Equal(t, want, audit.Entry{
			Action: got.Action, Outcome: got.Outcome, Status: got.Status, Code: got.Code, Actor: got.Actor, Object: got.Object, Repeat: got.Repeat,
		}, request)
	}
	mine := slices.DeleteFunc(f.audited(), func(e audit.Entry) bool { _, ok := cases[e.Request]; return !ok })
	require.Len(t, mine, 12, "an entry each, and one for each of the two that came so far")
}

func TestTokensAreRecordedAndNeverShown(t *testing.T) {
	f := start(t)
	wanted := object{"name": "ci", "grants": []object{grant("deployer", "shop")}}
	made := f.ask("make", request{method: "POST", path: "/v1/tokens", body: wanted}).is(201)
	secret := made.text("token")
	f.as(secret).ask("deny", request{method: "DELETE", path: "/v1/tokens/" + made.id()}).is(403)
	f.ask("end", request{method: "DELETE", path: "/v1/tokens/" + made.id()}).is(204)
	bootstrap := &audit.Actor{ID: f.get("/v1/whoami").id(), Name: "bootstrap"}
	for request, want := range map[string]audit.Entry{
		"make": {Action: "tokens.create", Actor: bootstrap, Outcome: audit.Accepted, Status: 201},
		"deny": {Action: "tokens.revoke", Actor: &audit.Actor{ID: made.id(), Name: "ci"}, Outcome: audit.Refused, Status: 403, Code: "forbidden"},
		"end":  {Action: "tokens.revoke", Actor: bootstrap, Outcome: audit.Accepted, Status: 204},
	} {
		got := f.concluded(request, 1)[0]
		require.Equal(t, want, audit.Entry{Action: got.Action, Actor: got.Actor, Outcome: got.Outcome, Status: got.Status, Code: got.Code}, request)
		require.Equal(t, &audit.Object{Kind: "token", ID: made.id()}, got.Object, request)
		require.Equal(t, request != "deny", got.Asked > 0, request)
	}
	err := f.bus.Scan(t.Context(), contract.StreamAudit, []string{contract.AuditLog}, func(s bus.Stored) error {
		require.NotContains(t, string(s.Data), secret)
		return nil
	})
	require.NoError(t, err)
}

func TestWhoAsksTooOftenOrGuessesIsRecorded(t *testing.T) {
	f := start(t, behindProxy, func(c *gateway.Config) { c.Limits.CallerRate, c.Limits.Guesses = 1, 2 })
	caller := f.tokenFor(grant("viewer", ""))
	who := f.whoIs(caller, "192.0.2.9").is(200).id()
	from := func(id, token, address string) int {
		return f.as(token).ask(id, request{method: "GET", path: "/v1/whoami", header: map[string]string{"X-Forwarded-For": address}}).StatusCode
	}
	for _, guess := range []string{"slw_a", "slw_b"} {
		require.Equal(t, 401, from("guess", guess, "2001:db8::7"))
	}
	f.eventually(func() bool { // at once, unless the machine stalls for the second that it lasts
		locked := from("locked", caller, "2001:db8::7") == 429
		if !locked {
			from("another", "slw_c", "2001:db8::7")
			from("another", "slw_d", "2001:db8::7")
		}
		return locked
	}, "nobody is locked out")
	f.eventually(func() bool { return from("often", caller, "192.0.2.9") == 429 }, "it may ask as often as it likes")
	often := f.concluded("often", 1)[0]
	require.Equal(t, "rate_limited", often.Code)
	require.Equal(t, &audit.Actor{ID: who, Name: "somebody"}, often.Actor)
	require.Equal(t, "192.0.2.9", often.Remote)
	f.concluded("guess", 2)
	locked := f.concluded("locked", 1)[0]
	require.Equal(t, "locked_out", locked.Code)
	require.Nil(t, locked.Actor, "nothing was looked at")
	require.Equal(t, "2001:db8::7", locked.Remote)
	require.Empty(t, locked.Digest)
}

func TestWithoutTheAuditLogNothingIsChanged(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	impatient := f.runImpatient()
	require.NoError(t, f.bus.JetStream().DeleteStream(t.Context(), contract.StreamAudit))
	f.send(request{method: "POST", path: "/v1/deployments", url: impatient, body: object{"application": "shop", "version": "1", "servers": ids}}).refused(503, "unavailable")
	f.send(request{method: "POST", path: "/v1/servers", url: impatient, body: web("b")}).refused(503, "unavailable")
	f.send(request{method: "DELETE", path: "/v1/servers/" + ids[0], url: impatient}).refused(503, "unavailable")
	require.Zero(t, f.commands())
	require.Equal(t, ids, f.pages("/v1/servers?limit=9", "id"), "nothing was added or deleted")

	f.openBus() // which makes what is missing
	tries := 0
	f.eventually(func() bool { // one that had no time left to answer may have been done
		tries++
		return f.send(request{method: "POST", path: "/v1/servers", url: impatient, body: web(fmt.Sprint("c", tries))}).StatusCode == 201
	}, "it does not recover")
	for _, e := range f.audited() {
		require.False(t, e.Action == "servers.delete" && e.Outcome == audit.Accepted)
	}
}

func TestTheAuditLogIsReadInPartsAndFromBothEnds(t *testing.T) {
	f := start(t)
	ids := f.fleet("a", "b", "c")
	f.ask("x", request{method: "DELETE", path: "/v1/servers/" + ids[2]}).is(204)
	f.concluded("x", 1)
	var all []string
	for _, e := range f.audited() {
		all = append(all, fmt.Sprint(e.Seq))
	}
	require.GreaterOrEqual(t, len(all), 8)
	down := slices.Clone(all)
	slices.Reverse(down)
	for _, limit := range []int{1, 3, 500} {
		require.Equal(t, all, f.pages(fmt.Sprintf("/v1/audit?sort=oldest&limit=%d", limit), "seq"))
		require.Equal(t, down, f.pages(fmt.Sprintf("/v1/audit?limit=%d", limit), "seq"))
	}
	entries := f.audited()
	middle := entries[len(entries)/2].Time
	called := func(e audit.Entry) bool { return e.Actor != nil } // the first token was made by nobody
	for query, want := range map[string]func(audit.Entry) bool{
		"actor=bootstrap": called,
		"actor=" + entries[len(entries)-1].Actor.ID: called,
		"actor=nobody":                                      func(audit.Entry) bool { return false },
		"action=servers.delete":                             func(e audit.Entry) bool { return e.Action == "servers.delete" },
		"action=servers.*":                                  called,
		"action=serv":                                       func(audit.Entry) bool { return false },
		"object=" + ids[1]:                                  func(e audit.Entry) bool { return e.Object.ID == ids[1] },
		"object=server&outcome=accepted":                    func(e audit.Entry) bool { return called(e) && e.Outcome == audit.Accepted },
		"from=" + middle.Format(time.RFC3339Nano):           func(e audit.Entry) bool { return !e.Time.Before(middle) },
		"to=" + middle.Format(time.RFC3339Nano):             func(e audit.Entry) bool { return e.Time.Before(middle) },
		"from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z": func(audit.Entry) bool { return false },
		"from=2100-01-01T00:00:00Z":                         func(audit.Entry) bool { return false },
	} {
		var seqs []string
		for _, e := range entries {
			if want(e) {
				seqs = append(seqs, fmt.Sprint(e.Seq))
			}
		}
		require.Equal(t, seqs, f.pages("/v1/audit?sort=oldest&limit=2&"+query, "seq"), query)
		slices.Reverse(seqs)
		require.Equal(t, seqs, f.pages("/v1/audit?limit=2&"+query, "seq"), query)
	}
	bad := f.get("/v1/audit?sort=up&outcome=good&from=now&to=&cursor=x&actor=&limit=0&who=me").refused(422, "invalid_request")
	for _, name := range []string{"sort", "outcome", "from", "to", "cursor", "actor", "limit", "who"} {
		require.Contains(t, bad, name)
	}
}

func TestTwoGatewaysWriteOneChain(t *testing.T) {
	f := start(t)
	gateways := []string{f.url, f.run(), f.run()}
	const each = 30
	var all sync.WaitGroup
	for g, url := range gateways {
		for half := range 2 {
			all.Go(func() {
				for n := range each {
					id := fmt.Sprintf("r%d-%d-%d", g, half, n)
					res, err := f.try(request{method: "POST", path: "/v1/servers", url: url, body: web(id), header: map[string]string{"X-Request-Id": id}})
					if err != nil || res.StatusCode != 201 {
						t.Errorf("%s: %v", id, err)
					}
				}
			})
		}
	}
	all.Wait()
	seen := map[string][]audit.Outcome{}
	f.eventually(func() bool {
		clear(seen)
		n := 0
		for _, e := range f.audited() {
			if strings.HasPrefix(e.Request, "r") {
				seen[e.Request] = append(seen[e.Request], e.Outcome)
				n++
			}
		}
		return n >= 2*2*len(gateways)*each
	}, "entries are missing")
	require.Len(t, seen, 2*len(gateways)*each)
	for request, outcomes := range seen {
		require.Equal(t, []audit.Outcome{audit.Asked, audit.Accepted}, outcomes, request)
	}
}

func TestTheServerLetsNobodyTakeAnEntryOut(t *testing.T) {
	f := start(t)
	f.fleet("a")
	stream, err := f.bus.JetStream().Stream(t.Context(), contract.StreamAudit)
	require.NoError(t, err)
	require.Error(t, stream.DeleteMsg(t.Context(), 1))
	require.Error(t, stream.Purge(t.Context()))
	config := stream.CachedInfo().Config
	config.DenyDelete, config.DenyPurge = false, false
	_, err = f.bus.JetStream().UpdateStream(t.Context(), config)
	require.Error(t, err, "nor change that")
	require.Equal(t, jetstream.FileStorage, config.Storage)
	require.NotEmpty(t, f.audited())
}

// toldOf is what the audit log says of an action, once the last of it has come to an end.
func (f *fixture) toldOf(action string) (told []string) {
	f.Helper()
	f.eventually(func() bool {
		told = nil
		asked := 0
		for _, e := range f.audited() {
			if e.Action != action {
				continue
			}
			told = append(told, string(e.Outcome)+" "+e.Object.Kind+" "+e.Object.ID)
			if asked--; e.Outcome == audit.Asked {
				asked += 2
			}
		}
		return asked == 0 && len(told) > 0
	}, "the log does not tell of "+action)
	return told
}

func TestTheFirstTokenIsInTheAuditLogWhenItIsMadeAndReplaced(t *testing.T) {
	f := start(t)
	first := f.get("/v1/whoami").is(200).id()
	_, made, err := gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	require.False(t, made)
	require.Equal(t, []string{"asked token " + first, "accepted token " + first}, f.toldOf("tokens.bootstrap"), "where it was made before, nothing is told")
	f.token, err = gateway.ReplaceBootstrap(t.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	next := f.get("/v1/whoami").is(200).id()
	require.NotEqual(t, first, next)
	require.Equal(t, []string{"asked token " + next, "accepted token " + next}, f.toldOf("tokens.replace"))
}
