package gateway_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestWhatCannotBeReadSaysWhere(t *testing.T) {
	f := start(t)
	for body, where := range map[string]string{
		"":                                 "there is no document",
		"{\n  \"name\": \"a\",\n  oops\n}": "line 3, column 3",
		`{"name": "a"`:                     "line 1, column 12: it ends too early",
		`{"name": "a"} {}`:                 "line 1, column 13: something follows",
		`["name"]`:                         "must be an object",
		"null":                             "must be an object",
		"{\"name\": \"\xff\"}":             "not valid UTF-8",
	} {
		res := f.post("/v1/servers", []byte(body))
		res.refused(400, "malformed_request")
		require.Contains(t, res.text("detail"), where, body)
	}
	require.Equal(t, "is given twice", f.post("/v1/servers", []byte(`{"name":"a","name":"b","address":"a","user":"u"}`)).
		refused(422, "invalid_request")["name"])
	f.get("/v1/servers?label=%zz").refused(400, "malformed_request")
	f.get("/v1/servers?name=%ff").refused(422, "invalid_request")
}

func TestABodyOfAnotherTypeIsRefused(t *testing.T) {
	f := start(t)
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", ";"} {
		f.send(request{method: "POST", path: "/v1/servers", body: web("a"), media: media}).refused(415, "unsupported_media_type")
	}
	f.send(request{method: "POST", path: "/v1/servers"}).refused(415, "unsupported_media_type")
	f.send(request{method: "POST", path: "/v1/servers", body: web("a"), media: "application/json; charset=utf-8"}).is(201)
}

func TestALargeBodyIsRefused(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.MaxJSON = 1 << 10 })
	large := []byte(`{"name": "` + strings.Repeat("x", 2<<10) + `"}`)
	f.post("/v1/servers", large).refused(413, "payload_too_large")
	f.post("/v1/servers", struct{ *bytes.Reader }{bytes.NewReader(large)}).refused(413, "payload_too_large")
	f.post("/v1/servers", web("a")).is(201)
}

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	f := start(t)
	f.get("/").refused(404, "not_found")
	f.get("/v1/nothing").refused(404, "not_found")
	f.get("/v1/servers/").refused(404, "not_found")
	res := f.send(request{method: "PUT", path: "/v1/servers"})
	res.refused(405, "method_not_allowed")
	require.ElementsMatch(t, []string{"OPTIONS", "GET", "POST"}, strings.Split(res.Header.Get("Allow"), ", "))
	f.post("/v1/whoami", object{}).refused(405, "method_not_allowed")
	for _, path := range []string{
		"/healthz", "/readyz", "/v1/whoami", "/v1/servers/x", "/v1/packages/x", "/v1/deployments/x",
	} {
		require.Contains(t, f.get(path+"?colour=x").refused(422, "invalid_request"), "colour", path)
	}
	f.send(request{method: "POST", path: "/v1/servers?x=1", body: web("a")}).refused(422, "invalid_request")
}

func TestARequestIDIsRepeated(t *testing.T) {
	f := start(t)
	with := func(id string) string {
		return f.send(request{method: "GET", path: "/v1/servers/x", header: map[string]string{"X-Request-Id": id}}).text("request_id")
	}
	require.Equal(t, "my-id.7", with("my-id.7"))
	f.eventually(func() bool { return strings.Contains(f.log.String(), `"request":"my-id.7"`) }, "the log has it")
	require.Regexp(t, "^[0-9a-v]{20}$", with("not one\"of these"))
	require.Regexp(t, "^[0-9a-v]{20}$", with(strings.Repeat("x", 65)))
	require.Equal(t, "/v1/servers/x", f.get("/v1/servers/x").text("instance"))
}
