package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const specFile = "../../api-specs/openapi.yaml"

// spec is openapi.yaml, to which every exchange of these tests is held.
type spec struct {
	document map[string]any
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
	seen    map[string]bool // "GET /v1/servers 200"
}

var openapi = sync.OnceValue(loadSpec)

func loadSpec() *spec {
	source, err := os.ReadFile(specFile)
	must(err)
	asJSON, err := yaml.YAMLToJSON(source)
	must(err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	must(err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	must(compiler.AddResource("openapi.json", document))
	return &spec{
		document: document.(map[string]any), compiler: compiler,
		schemas: map[string]*jsonschema.Schema{}, seen: map[string]bool{},
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// at returns what stands under a JSON pointer, and the pointer that it really
// stands under once references are followed.
func (s *spec) at(pointer string) (any, string) {
	var here any = s.document
	path := ""
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		here, path = s.follow(here, path)
		path += "/" + part
		switch h := here.(type) {
		case map[string]any:
			here = h[unescape(part)]
		case []any:
			i, err := strconv.Atoi(part)
			must(err)
			here = h[i]
		default:
			return nil, path
		}
	}
	return s.follow(here, path)
}

func (s *spec) follow(here any, path string) (any, string) {
	if m, ok := here.(map[string]any); ok {
		if ref, ok := m["$ref"].(string); ok {
			return s.at(strings.TrimPrefix(ref, "#"))
		}
	}
	return here, path
}

func escape(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }
func unescape(s string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
}

// check validates a document against the schema under a pointer.
func (s *spec) check(pointer string, document any) error {
	_, pointer = s.at(pointer)
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, ok := s.schemas[pointer]
	if !ok {
		var err error
		if schema, err = s.compiler.Compile("openapi.json#" + pointer); err != nil {
			return fmt.Errorf("compile %s: %w", pointer, err)
		}
		s.schemas[pointer] = schema
	}
	return schema.Validate(document)
}

// operation returns the template of a path and the pointer to its operation.
func (s *spec) operation(method, path string) (template, pointer string, ok bool) {
	paths := s.document["paths"].(map[string]any)
	for template, item := range paths {
		if _, has := item.(map[string]any)[strings.ToLower(method)]; has && matches(template, path) {
			return template, "/paths/" + escape(template) + "/" + strings.ToLower(method), true
		}
	}
	return "", "", false
}

func matches(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == h || strings.HasPrefix(w, "{") && h != "" })
}

// checkExchange holds a request and its response to the specification.
func (s *spec) checkExchange(t testing.TB, req *http.Request, sent []byte, res *http.Response, got []byte) {
	t.Helper()
	template, op, ok := s.operation(req.Method, req.URL.EscapedPath())
	if !ok {
		if err := s.check("/components/schemas/Problem", decoded(t, got)); err != nil {
			t.Errorf("%s %s answers %d with no problem document: %v", req.Method, req.URL.Path, res.StatusCode, err)
		}
		return
	}
	name := req.Method + " " + template
	if res.StatusCode < 300 {
		s.checkRequest(t, name, op, req, sent)
	}
	response := op + "/responses/" + strconv.Itoa(res.StatusCode)
	if found, _ := s.at(response); found == nil {
		if response = op + "/responses/default"; res.StatusCode < 400 {
			t.Errorf("%s answers %d, which is not in openapi.yaml", name, res.StatusCode)
		}
	} else {
		s.mu.Lock()
		s.seen[name+" "+strconv.Itoa(res.StatusCode)] = true
		s.mu.Unlock()
	}
	s.checkResponse(t, name, response, res, got)
}

func (s *spec) checkRequest(t testing.TB, name, op string, req *http.Request, sent []byte) {
	t.Helper()
	declared := s.parameters(op)
	for key, values := range req.URL.Query() {
		schema, ok := declared["query "+key]
		if !ok {
			t.Errorf("%s takes the parameter %s, which is not in openapi.yaml", name, key)
			continue
		}
		if err := s.check(schema, s.typed(schema, values)); err != nil {
			t.Errorf("%s takes %s=%q: %v", name, key, values, err)
		}
	}
	media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if media == "" || !strings.HasSuffix(media, "json") {
		return
	}
	if err := s.check(op+"/requestBody/content/"+escape(media)+"/schema", decoded(t, sent)); err != nil {
		t.Errorf("%s takes a body that openapi.yaml does not allow: %v", name, err)
	}
}

// parameters returns the pointers to the schemas of an operation's parameters.
func (s *spec) parameters(op string) map[string]string {
	found := map[string]string{}
	for _, at := range []string{op, op[:strings.LastIndex(op, "/")]} {
		list, _ := s.at(at + "/parameters")
		all, _ := list.([]any)
		for i, p := range all {
			here, pointer := s.follow(p, at+"/parameters/"+strconv.Itoa(i))
			m := here.(map[string]any)
			found[m["in"].(string)+" "+m["name"].(string)] = pointer + "/schema"
		}
	}
	return found
}

// typed turns the text of a parameter into what its schema describes.
func (s *spec) typed(schema string, values []string) any {
	found, _ := s.at(schema)
	switch found.(map[string]any)["type"] {
	case "array":
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		return list
	case "integer":
		return json.Number(values[0])
	default:
		return values[0]
	}
}

func (s *spec) checkResponse(t testing.TB, name, response string, res *http.Response, got []byte) {
	t.Helper()
	headers, _ := s.at(response + "/headers")
	for header := range asMap(headers) {
		if header != "Idempotency-Replayed" && res.Header.Get(header) == "" {
			t.Errorf("%s: %d has no header %s", name, res.StatusCode, header)
		}
	}
	content, _ := s.at(response + "/content")
	if content == nil {
		if len(got) > 0 {
			t.Errorf("%s: %d has a body, and openapi.yaml knows of none: %s", name, res.StatusCode, got)
		}
		return
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if _, ok := asMap(content)[media]; !ok {
		t.Errorf("%s: %d is of type %q", name, res.StatusCode, media)
		return
	}
	if err := s.check(response+"/content/"+escape(media)+"/schema", decoded(t, got)); err != nil {
		t.Errorf("%s: %d is not as openapi.yaml says: %v\n%s", name, res.StatusCode, err, got)
	}
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func decoded(t testing.TB, raw []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Errorf("not JSON: %v: %q", err, raw)
	}
	return v
}

// unseen returns every answer that openapi.yaml promises and no test has seen.
func (s *spec) unseen() []string {
	var missing []string
	for template, item := range s.document["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			responses, _ := s.at("/paths/" + escape(template) + "/" + method + "/responses")
			for status := range asMap(responses) {
				name := strings.ToUpper(method) + " " + template + " " + status
				if status != "default" && !s.seen[name] {
					missing = append(missing, name)
				}
			}
		}
	}
	slices.Sort(missing)
	return missing
}
