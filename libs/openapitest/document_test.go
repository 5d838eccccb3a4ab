package openapitest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// testdata/oas-3.1.json is the schema of OpenAPI 3.1 that the OpenAPI Initiative
// publishes, of 2022-10-07 (Apache License 2.0).
func TestTheDocumentIsOpenAPI(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	source, err := os.ReadFile("testdata/oas-3.1.json")
	require.NoError(t, err)
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(string(source)))
	require.NoError(t, err)
	require.NoError(t, compiler.AddResource("oas.json", schema))
	meta, err := compiler.Compile("oas.json")
	require.NoError(t, err)
	require.NoError(t, meta.Validate(Load().root))
}

// YAML 1.2 lets a word without quotes hold a question mark between brackets; PyYAML, which many
// clients read documents with, does not.
func TestTheDocumentsCanBeReadByPython(t *testing.T) {
	dir := filepath.Join("..", "..", "api-specs")
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	dialects, err := filepath.Glob(filepath.Join(dir, "dialects", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, dialects)
	for _, file := range append(files, dialects...) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		deep := 0 // brackets that are open
		for _, word := range lexer.Tokenize(string(text)) {
			switch word.Type {
			case token.MappingStartType, token.SequenceStartType:
				deep++
			case token.MappingEndType, token.SequenceEndType:
				deep--
			case token.StringType:
				require.False(t, deep > 0 && strings.Contains(word.Value, "?"), "%s:%d: put quotes around %s", file, word.Position.Line, word.Value)
			}
		}
		require.Zero(t, deep, file)
	}
}

// Compile holds each to what a JSON Schema is, and follows its references.
func TestEverySchemaCompilesAndAllowsItsExamples(t *testing.T) {
	d := Load()
	for name := range asMap(asMap(d.root["components"])["schemas"]) {
		pointer := "/components/schemas/" + name
		_, err := d.compiler.Compile(location + "#" + pointer)
		require.NoError(t, err, name)
		examples, _ := d.At(pointer + "/examples")
		list, _ := examples.([]any)
		for _, example := range list {
			require.NoError(t, d.CheckSchema(pointer, example), name)
		}
	}
}

func TestEveryOperationHasANameATagAndASummary(t *testing.T) {
	d := Load()
	ids := map[string]bool{}
	for _, op := range d.Operations() {
		here, _ := d.At(op.Pointer)
		id, _ := asMap(here)["operationId"].(string)
		require.NotEmpty(t, id, op.Name())
		require.False(t, ids[id], "%s is the id of two operations", id)
		ids[id] = true
		require.NotEmpty(t, asMap(here)["summary"], op.Name())
		require.NotEmpty(t, asMap(here)["tags"], op.Name())
	}
}

// What the transport must find: it is what the tests of the gateway rest on.
func TestTheTransportFindsWhatIsNotDescribed(t *testing.T) {
	problem := func(status int) string {
		raw, _ := json.Marshal(map[string]any{
			"type": "urn:x", "title": "x", "status": status, "code": "not_found", "instance": "/", "request_id": "r1",
		})
		return string(raw)
	}
	for name, c := range map[string]struct {
		method, path, sent string
		status             int
		media, got         string
		header             map[string]string
		want               string // "": nothing is wrong
	}{
		"all is well":          {"GET", "/healthz", "", 200, "application/json", `{"status":"ok"}`, nil, ""},
		"another field":        {"GET", "/healthz", "", 200, "application/json", `{"status":"ok","x":1}`, nil, "additional properties 'x' not allowed"},
		"another type":         {"GET", "/healthz", "", 200, "text/plain", `ok`, nil, `of type "text/plain"`},
		"another status":       {"GET", "/healthz", "", 202, "application/json", `{"status":"ok"}`, nil, "the status is not in openapi.yaml"},
		"no request id":        {"GET", "/healthz", "", 200, "application/json", `{"status":"ok"}`, map[string]string{"X-Request-Id": ""}, "no X-Request-Id"},
		"a header too many":    {"GET", "/healthz", "", 200, "application/json", `{"status":"ok"}`, map[string]string{"Etag": `"1"`}, "the header Etag is not in openapi.yaml"},
		"a header is missing":  {"GET", "/v1/servers/s1", "", 200, "application/json", `{}`, nil, "there is no header ETag"},
		"a bad header":         {"GET", "/v1/servers", "", 503, "application/problem+json", problem(503), map[string]string{"Retry-After": "0"}, "the header Retry-After is"},
		"a parameter too many": {"GET", "/healthz?x=1", "", 200, "application/json", `{"status":"ok"}`, nil, "it takes the parameter x"},
		"a bad parameter":      {"GET", "/v1/servers?limit=0", "", 200, "application/json", `{"items":[]}`, nil, "it takes limit="},
		"a bad body":           {"POST", "/v1/tokens", `{"name":1}`, 201, "application/json", `{}`, nil, "it takes a body that openapi.yaml does not allow"},
		"no body":              {"POST", "/v1/tokens", ``, 201, "application/json", `{}`, nil, "it does without a body"},
		"no path":              {"GET", "/nowhere", "", 404, "application/problem+json", problem(404), nil, ""},
		"no problem":           {"GET", "/nowhere", "", 404, "text/plain", problem(404), nil, `of type "text/plain"`},
		"another status in it": {"GET", "/nowhere", "", 404, "application/problem+json", problem(400), nil, "the problem is of 400"},
		"no time to wait":      {"GET", "/nowhere", "", 503, "application/problem+json", problem(503), nil, "503 has the Retry-After"},
		"no way in":            {"GET", "/nowhere", "", 401, "application/problem+json", problem(401), nil, "401 has no WWW-Authenticate"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.media)
				w.Header().Set("X-Request-Id", "r1")
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.got)
			}))
			defer srv.Close()
			var found []string
			client := http.Client{Transport: &Transport{Document: Load(), Report: func(err error) { found = append(found, err.Error()) }}}
			req, err := http.NewRequestWithContext(t.Context(), c.method, srv.URL+c.path, strings.NewReader(c.sent))
			require.NoError(t, err)
			if c.sent != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			res, err := client.Do(req)
			require.NoError(t, err)
			_, err = io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			if c.want == "" {
				require.Empty(t, found)
			} else {
				require.Contains(t, strings.Join(found, "\n"), c.want)
			}
		})
	}
}
