package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var errUndocumented = errors.New("not as openapi.yaml says")

// Spec is openapi.yaml. OpenAPI 3.1 holds plain JSON schemas, so that any part of it can be compiled as one.
type Spec struct {
	root any

	mu       sync.Mutex // compiling changes the compiler
	compiler *jsonschema.Compiler
}

const location = "openapi.yaml"

// LoadSpec reads the document from the tree that this package lies in.
func LoadSpec() (*Spec, error) {
	_, here, _, _ := runtime.Caller(0)
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../../api-specs", location))
	if err != nil {
		return nil, err
	}
	if raw, err = yaml.YAMLToJSON(raw); err != nil {
		return nil, err
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	s := &Spec{root: root, compiler: jsonschema.NewCompiler()}
	s.compiler.AssertFormat()
	return s, s.compiler.AddResource(location, root)
}

// Properties returns the names of what an object of this schema may hold, sorted.
func (s *Spec) Properties(schema string) []string {
	properties, _ := s.at("components", "schemas", schema, "properties").(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

// CheckRequest says what is not documented about a request.
func (s *Spec) CheckRequest(r *http.Request, body []byte) error {
	op, item, err := s.operation(r.Method, r.URL.Path)
	if err != nil {
		return err
	}
	if err := s.checkQuery(r.URL.Query(), append(s.parameters(item), s.parameters(op)...)); err != nil {
		return err
	}
	if r.Header.Get("Idempotency-Key") != "" && r.Method != http.MethodPost {
		return fmt.Errorf("%w: %s takes no Idempotency-Key", errUndocumented, r.Method)
	}
	described := s.at(append(slices.Clone(op), "requestBody")...)
	if described == nil {
		if len(body) > 0 {
			return fmt.Errorf("%w: %s %s takes no body", errUndocumented, r.Method, r.URL.Path)
		}
		return nil
	}
	return s.checkBody(append(slices.Clone(op), "requestBody"), r.Header, body)
}

// CheckAnswer says what is not documented about an answer to a request.
func (s *Spec) CheckAnswer(r *http.Request, status int, header http.Header, body []byte) error {
	op, _, err := s.operation(r.Method, r.URL.Path)
	if err != nil {
		return err
	}
	answer := append(slices.Clone(op), "responses", strconv.Itoa(status))
	if s.at(answer...) == nil {
		answer[len(answer)-1] = "default"
	}
	if s.at(append(slices.Clone(answer), "content")...) == nil {
		if len(body) > 0 {
			return fmt.Errorf("%w: the answer %d has no body", errUndocumented, status)
		}
		return nil
	}
	return s.checkBody(answer, header, body)
}

// checkBody holds a body against the content of a request body or an answer.
func (s *Spec) checkBody(at []string, header http.Header, body []byte) error {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	content := append(slices.Clone(at), "content", kind)
	if s.at(content...) == nil {
		return fmt.Errorf("%w: %s does not take %q", errUndocumented, strings.Join(at, " "), kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errUndocumented, err)
	}
	return s.validate(append(content, "schema"), value)
}

// operation finds an operation, and its path, by what was asked for.
func (s *Spec) operation(method, path string) (op, item []string, err error) {
	paths, _ := s.at("paths").(map[string]any)
	for template := range paths {
		pattern := "^" + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(template, "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(path) {
			item = []string{"paths", template}
			op = append(slices.Clone(item), strings.ToLower(method))
			if s.at(op...) != nil {
				return op, item, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("%w: there is no %s %s", errUndocumented, method, path)
}

// parameters returns where the query parameters of a path or an operation are described.
func (s *Spec) parameters(at []string) [][]string {
	at = append(slices.Clone(at), "parameters")
	list, _ := s.at(at...).([]any)
	var found [][]string
	for i := range list {
		one := append(slices.Clone(at), strconv.Itoa(i))
		if s.at(append(slices.Clone(one), "in")...) == "query" {
			found = append(found, one)
		}
	}
	return found
}

func (s *Spec) checkQuery(query url.Values, described [][]string) error {
	known := map[string][]string{}
	for _, at := range described {
		name, _ := s.at(append(slices.Clone(at), "name")...).(string)
		known[name] = append(slices.Clone(at), "schema")
	}
	for name, values := range query {
		schema, ok := known[name]
		if !ok {
			return fmt.Errorf("%w: unknown query parameter %s", errUndocumented, name)
		}
		var value any = values[0]
		switch s.at(append(slices.Clone(schema), "type")...) {
		case "integer":
			value = json.Number(values[0])
		case "array":
			list := make([]any, len(values))
			for i, v := range values {
				list[i] = v
			}
			value = list
		}
		if err := s.validate(schema, value); err != nil {
			return fmt.Errorf("query parameter %s: %w", name, err)
		}
	}
	return nil
}

// at walks down the document, through references.
func (s *Spec) at(path ...string) any {
	node, _ := s.resolve(path)
	return node
}

// resolve walks down the document and returns where it ended, as references lead.
func (s *Spec) resolve(path []string) (any, []string) {
	node, at := s.root, []string{}
	for _, key := range append(slices.Clone(path), "") {
		if object, ok := node.(map[string]any); ok {
			if ref, ok := object["$ref"].(string); ok {
				node, at = s.resolve(strings.Split(strings.TrimPrefix(ref, "#/"), "/"))
			}
		}
		if key == "" {
			break
		}
		switch n := node.(type) {
		case map[string]any:
			node = n[key]
		case []any:
			i, _ := strconv.Atoi(key)
			node = n[i]
		default:
			return nil, nil
		}
		at = append(slices.Clone(at), key)
	}
	return node, at
}

// validate holds a value against the schema that stands there.
func (s *Spec) validate(path []string, value any) error {
	_, at := s.resolve(path)
	pointer := "#"
	for _, key := range at {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, err := s.compiler.Compile(location + pointer)
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w: %w", errUndocumented, err)
	}
	return nil
}
