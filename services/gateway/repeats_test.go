package gateway_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// repeatable is a POST that makes or changes something.
type repeatable struct {
	prepare func(*fixture) (path string, body any)
	stands  func(f *fixture, path string) any // what it makes or changes, as it is; nil: nothing but commands
	again   []string                          // fields of the answer that a repeat cannot know; all: any but the id
}

// any but the id.
const all = "*"

// listed is all that a list holds.
func listed(path string) func(*fixture, string) any {
	return func(f *fixture, _ string) any { return string(f.get(path).is(200).raw) }
}

// counted is the ids of a list.
func counted(path string) func(*fixture, string) any {
	return func(f *fixture, _ string) any { return f.get(path).is(200).column("id") }
}

// above is what the path of an action is about.
func above(f *fixture, path string) any {
	return string(f.get(path[:strings.LastIndex(path, "/")]).is(200).raw)
}

// repeatables is every POST, by how openapi.yaml has it and what is special.
func repeatables() map[string]repeatable {
	cases := map[string]repeatable{
		"/v1/servers": {func(*fixture) (string, any) { return "/v1/servers", web("a") }, listed("/v1/servers"), nil},
		"/v1/servers/import": {func(*fixture) (string, any) {
			return "/v1/servers/import", object{"format": "csv", "list": table, "defaults": object{"user": "deploy"}}
		}, listed("/v1/servers"), []string{all}}, // by then they are there
		"/v1/projects/{project}/applications/import": {func(f *fixture) (string, any) {
			f.post("/v1/projects", object{"name": "shop"}).is(201)
			f.takenOver(object{"format": "rex", "list": rexRows, "defaults": object{"user": "deploy", "first_contact": true}})
			return "/v1/projects/shop/applications/import", object{"format": "rex", "list": rexRows}
		}, listed("/v1/projects/shop/applications"), []string{all}},
		"/v1/known-hosts": {func(f *fixture) (string, any) {
			f.post("/v1/servers", object{"name": "a", "address": "192.0.2.7", "user": "u"}).is(201)
			return "/v1/known-hosts", object{"known_hosts": "192.0.2.7 " + hostKey(f)}
		}, listed("/v1/servers"), []string{all}},
		"/v1/tokens": {func(*fixture) (string, any) {
			return "/v1/tokens", object{"name": "ci", "grants": []object{grant("viewer", "")}}
		}, counted("/v1/tokens"), []string{"token", "created_at"}}, // nobody has the first one
		"/v1/packages": {func(*fixture) (string, any) {
			return "/v1/packages?application=app&version=1&filename=app", []byte("content")
		}, listed("/v1/packages"), nil},
	}
	for collection, says := range kinds {
		cases[strings.Replace(collection, "shop", "{project}", 1)] = repeatable{func(f *fixture) (string, any) {
			if collection != "/v1/projects" {
				f.post("/v1/projects", object{"name": "shop"}).is(201)
			}
			return collection, says.with(object{"name": "one"})
		}, listed(collection), nil}
	}
	maps.Copy(cases, repeatableDeployments())
	maps.Copy(cases, repeatableControls())
	maps.Copy(cases, repeatableWebhooks())
	return cases
}

// one is a deployment of the shop to one server.
func (f *fixture) one() object {
	f.Helper()
	f.shop("1")
	return object{"application": "shop", "version": "1", "servers": f.fleet("a")}
}

func repeatableDeployments() map[string]repeatable {
	return map[string]repeatable{
		"/v1/deployments": {func(f *fixture) (string, any) { return "/v1/deployments", f.one() }, nil, nil},
		"/v1/deployments in a project": {func(f *fixture) (string, any) {
			body := f.one().with(object{"project": "web"})
			f.token = f.tokenFor(grant("deployer", "web"))
			return "/v1/deployments", body
		}, nil, nil},
		"/v1/deployments with an approval": {func(f *fixture) (string, any) {
			return "/v1/deployments", f.one().with(object{"approval": object{}})
		}, nil, nil},
		"/v1/deployments/batch": {func(f *fixture) (string, any) {
			one := f.one()
			return "/v1/deployments/batch", object{"deployments": []object{one, one}}
		}, nil, nil},
		"/v1/deployments/{id}/rollback": {func(f *fixture) (string, any) {
			_, d, _ := f.rolled("a")
			return "/v1/deployments/" + d.ID + "/rollback", object{}
		}, nil, nil},
		"/v1/deployments/{id}/retry": {func(f *fixture) (string, any) {
			h, d, ids := f.rolled("a")
			d.State, d.Package = "failed", f.shop("2")
			h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "failed"})
			return "/v1/deployments/" + d.ID + "/retry", object{}
		}, nil, nil},
		"/v1/applications/{application}/init": {func(f *fixture) (string, any) {
			return initPath, object{"servers": f.fleet("a"), "supervisor": object{"content": "[program:shop]"}}
		}, nil, nil},
	}
}

// repeatableControls is what the scheduler decides: asked for again, what holds already is answered the same.
func repeatableControls() map[string]repeatable {
	cases := map[string]repeatable{
		"/v1/deployments/{id}/skip": {func(f *fixture) (string, any) {
			h, s := f.withHistory(), f.withScheduler()
			d := finished(xid.New().String(), "1", 1)
			d.State = "running"
			h.know(d, contract.TargetStatus{Host: xid.New().String(), Name: "a", State: "pending"})
			s.stand(d.ID, "running")
			return "/v1/deployments/" + d.ID + "/skip", object{"servers": []string{"a"}}
		}, nil, nil},
	}
	for _, verb := range verbs {
		cases["/v1/deployments/{id}/"+verb] = repeatable{func(f *fixture) (string, any) {
			id := xid.New().String()
			f.withScheduler().stand(id, "running")
			return "/v1/deployments/" + id + "/" + verb, bodyOf(verb)
		}, nil, nil}
	}
	return cases
}

func repeatableWebhooks() map[string]repeatable {
	action := func(name string, body any) repeatable {
		return repeatable{func(f *fixture) (string, any) {
			id, _ := f.hook(object{"url": newReceiver(f, nil).URL})
			return "/v1/webhooks/" + id + "/" + name, body
		}, above, []string{"secret"}}
	}
	cases := map[string]repeatable{
		"/v1/webhooks": {func(*fixture) (string, any) {
			return "/v1/webhooks", object{"url": "https://example.com"}
		}, listed("/v1/webhooks"), []string{"secret"}},
		"/v1/webhooks/{id}/deliveries/{delivery}/replay": {func(f *fixture) (string, any) {
			id, _ := f.hook(object{"url": newReceiver(f, nil).URL})
			delivery := f.post("/v1/webhooks/"+id+"/test", nil).is(202).id()
			f.ended(id, delivery)
			return "/v1/webhooks/" + id + "/deliveries/" + delivery + "/replay", nil
		}, func(f *fixture, path string) any {
			parts := strings.Split(path, "/")
			return fmt.Sprint(f.ended(parts[3], parts[5])["replays"])
		}, []string{all}},
	}
	for _, name := range []string{"pause", "resume"} {
		cases["/v1/webhooks/{id}/"+name] = action(name, nil)
	}
	cases["/v1/webhooks/{id}/rotate"] = action("rotate", object{"overlap": "1h"})
	test := action("test", nil)
	test.again, test.stands = []string{all}, func(f *fixture, path string) any {
		return f.get(strings.TrimSuffix(path, "test") + "deliveries").is(200).column("id")
	}
	cases["/v1/webhooks/{id}/test"] = test
	return cases
}

func TestARepeatAfterACrashFindsWhatWasDone(t *testing.T) {
	cases := repeatables()
	for route := range operations(t) {
		if path, post := strings.CutPrefix(route, http.MethodPost+" "); post {
			require.Contains(t, cases, path)
		}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := start(t, withWebhooks(t))
			path, body := c.prepare(f)
			first := f.once("k", path, body)
			require.Less(t, first.StatusCode, 300, "%s", first.raw)
			commands, before := f.commands(), any(nil)
			if c.stands != nil {
				before = c.stands(f, path)
			}

			f.forgetAnswer()
			again := f.once("k", path, body).is(first.StatusCode)
			require.Empty(t, again.Header.Get("Idempotency-Replayed"), "the answer was lost, and is made again")
			require.Equal(t, known(first, c.again), known(again, c.again))
			require.Equal(t, commands, f.commands())
			if c.stands != nil {
				require.Equal(t, before, c.stands(f, path))
			}
			require.Equal(t, "true", f.once("k", path, body).Header.Get("Idempotency-Replayed"))
		})
	}
}

// known is an answer without these fields.
func known(r *reply, without []string) map[string]any {
	var o map[string]any
	require.NoError(r, json.Unmarshal(r.raw, &o))
	for _, name := range without {
		if name == all {
			return map[string]any{"id": o["id"]}
		}
		delete(o, name)
	}
	return o
}
