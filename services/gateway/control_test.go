package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

var verbs = []string{"cancel", "pause", "resume", "promote", "reject", "approve"}

// bodyOf is what a verb needs.
func bodyOf(verb string) object {
	if verb == "approve" {
		return object{"digest": strings.Repeat("AB", 32)}
	}
	return object{}
}

func TestTheSchedulerIsAskedToChangeACourse(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	id := xid.New().String()
	s.stand(id, "stopping")
	s.cause = "cancelled"
	for _, verb := range verbs {
		path := "/v1/deployments/" + id + "/" + verb
		want := contract.Control{Verb: verb, Actor: "bootstrap", Reason: "it smells – badly"}
		if verb == "approve" {
			want.Digest = strings.Repeat("ab", 32)
		}
		for range 2 { // whether a repeat changes anything is the scheduler's to say
			got := f.post(path, bodyOf(verb).with(object{"reason": want.Reason})).is(200).object()
			require.Equal(t, map[string]any{"id": id, "state": "stopping", "cause": "cancelled"}, got)
			of, asked := s.lastAsked()
			require.Equal(t, id, of)
			require.Equal(t, want, asked)
		}
		want.Reason = ""
		f.post(path, bodyOf(verb)).is(200)
		_, asked := s.lastAsked()
		require.Equal(t, want, asked)
	}
}

func TestABodyThatMayBeLeftOutMayBeEmpty(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Body = time.Hour })
	s := f.withScheduler()
	id := xid.New().String()
	s.stand(id, "running")
	path := "/v1/deployments/" + id + "/cancel"
	const form = "application/x-www-form-urlencoded"
	for _, media := range []string{"", "application/json", form} {
		f.send(request{method: "POST", path: path, media: media}).is(200)
		f.send(request{method: "POST", path: path, media: media, body: []byte{}}).is(200)
		_, r := f.begun(path, media, "Transfer-Encoding: chunked", "0\r\n\r\n")
		require.Equal(t, 200, f.answered(r).StatusCode, media) //nolint:bodyclose // it is read
	}
	for _, length := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} { // refused before all of it has come
		_, r := f.begun(path, form, length, "1\r\n{\r\n")
		require.Equal(t, 415, f.answered(r).StatusCode, length) //nolint:bodyclose // it is read
	}
	_, r := f.begun(path, "application/json", "Transfer-Encoding: chunked", "2\r\n{\"\r\nc\r\nreason\":\"x\"}\r\n0\r\n\r\n")
	require.Equal(t, 200, f.answered(r).StatusCode) //nolint:bodyclose // it is read
	_, asked := s.lastAsked()
	require.Equal(t, "x", asked.Reason, "nothing of it is lost")
	f.send(request{method: "POST", path: path, media: "application/json", body: []byte(" ")}).refused(400, "malformed_request")
	f.send(request{method: "POST", path: "/v1/deployments/" + id + "/approve", media: "application/json"}).refused(400, "malformed_request")
}

func TestWhatTheStateForbidsIsAConflict(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	id := xid.New().String()
	s.stand(id, "succeeded")
	s.refuse("the deployment has ended: succeeded")
	for _, verb := range verbs {
		res := f.post("/v1/deployments/"+id+"/"+verb, bodyOf(verb))
		res.refused(409, "state_conflict")
		require.Contains(t, res.text("detail"), "the deployment has ended: succeeded")
	}
}

func TestWhatCannotBeAskedOfADeployment(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	id := xid.New().String()
	s.stand(id, "running")
	for _, verb := range verbs {
		bad := f.post("/v1/deployments/"+id+"/"+verb, object{"reason": "a\nb", "force": true}).refused(422, "invalid_request")
		require.Contains(t, bad, "reason")
		require.Contains(t, bad, "force")
		require.Equal(t, verb == "approve", bad["digest"] != "", verb)
	}
	for name, body := range map[string]object{
		"digest": {"digest": "beef"}, "reason": {"digest": strings.Repeat("0", 64), "reason": strings.Repeat("x", 501)},
	} {
		require.Contains(t, f.post("/v1/deployments/"+id+"/approve", body).refused(422, "invalid_request"), name)
	}
	require.Zero(t, s.times())
}

func TestNothingIsAskedOfADeploymentThatIsNotThere(t *testing.T) {
	f := start(t)
	f.withHistory()
	s := f.withScheduler()
	for _, verb := range verbs {
		f.post("/v1/deployments/"+xid.New().String()+"/"+verb, bodyOf(verb)).refused(404, "not_found")
	}
	asked := s.times()
	f.post("/v1/deployments/a.b/cancel", object{}).refused(404, "not_found")
	require.Equal(t, asked, s.times())
}

func TestWithoutASchedulerNothingCanBeChanged(t *testing.T) {
	f := start(t)
	id := xid.New().String()
	for _, verb := range verbs {
		f.post("/v1/deployments/"+id+"/"+verb, bodyOf(verb)).refused(503, "unavailable")
	}
}

func TestADeploymentThatNoSchedulerHasBegunIsAskedForAgain(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	ids := f.fleet("a")
	f.shop("1")
	id := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}).is(202).id()
	f.post("/v1/deployments/"+id+"/cancel", object{}).refused(503, "unavailable")
	require.Equal(t, 2, s.times(), "once before, and once after the wait for its first event")
}

func TestAnEndThatTheSchedulerHasForgottenStillStands(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	f.withScheduler()
	for state, verb := range map[string]string{"cancelled": "cancel", "rejected": "reject"} {
		d := finished(xid.New().String(), "1", 1)
		d.State, d.Cause = state, "why"
		h.know(d)
		require.Equal(t, map[string]any{"id": d.ID, "state": state, "cause": "why"},
			f.post("/v1/deployments/"+d.ID+"/"+verb, object{}).is(200).object())
		f.post("/v1/deployments/"+d.ID+"/pause", object{}).refused(409, "state_conflict")
	}
}
