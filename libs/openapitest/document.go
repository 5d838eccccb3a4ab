package openapitest

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const location = "openapi.json"

// Document is openapi.yaml. It may be used by many at once.
type Document struct {
	root     map[string]any
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
	seen    map[string]bool // "GET /v1/servers 200"
}

// Load reads the document from the tree that this package lies in. What is wrong with it
// is a panic.
func Load() *Document {
	_, here, _, _ := runtime.Caller(0)
	return Read(filepath.Join(filepath.Dir(here), "../../api-specs/openapi.yaml"))
}

// Read reads a document of that kind from a file, such as that of a dialect, likewise.
func Read(file string) *Document {
	text, err := os.ReadFile(file)
	must(err)
	asJSON, err := yaml.YAMLToJSON(text)
	must(err)
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	must(err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	must(compiler.AddResource(location, root))
	return &Document{root: asMap(root), compiler: compiler, schemas: map[string]*jsonschema.Schema{}, seen: map[string]bool{}}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Operation is what the document says of one method of one path.
type Operation struct {
	Method, Path string // of openapi.yaml: GET /v1/servers/{id}
	Pointer      string // where in the document
	Permission   string // that it needs; "": none
}

// Name is the method and the path.
func (o Operation) Name() string { return o.Method + " " + o.Path }

// Operations returns all that there are, in the order of their names.
func (d *Document) Operations() []Operation {
	var all []Operation
	for path, item := range asMap(d.root["paths"]) {
		for method, op := range asMap(item) {
			if method == "parameters" {
				continue
			}
			permission, _ := asMap(op)["x-permission"].(string)
			all = append(all, Operation{strings.ToUpper(method), path, "/paths/" + escape(path) + "/" + method, permission})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return all
}

// Operation returns the one that a request is for.
func (d *Document) Operation(method, path string) (Operation, bool) {
	for template, item := range asMap(d.root["paths"]) {
		if _, has := asMap(item)[strings.ToLower(method)]; has && matches(template, path) {
			return Operation{Method: method, Path: template, Pointer: "/paths/" + escape(template) + "/" + strings.ToLower(method)}, true
		}
	}
	return Operation{}, false
}

func matches(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == h || strings.HasPrefix(w, "{") && h != "" })
}

// At returns what stands under a JSON pointer, and the pointer that it really stands
// under once references are followed; nil: nothing does.
func (d *Document) At(pointer string) (any, string) {
	var here any = d.root
	path := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		here, path = d.follow(here, path)
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
	return d.follow(here, path)
}

func (d *Document) follow(here any, path string) (any, string) {
	if ref, ok := asMap(here)["$ref"].(string); ok {
		return d.At(strings.TrimPrefix(ref, "#"))
	}
	return here, path
}

func escape(s string) string   { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }
func unescape(s string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(s) }

// CheckSchema validates a value against the schema under a pointer.
func (d *Document) CheckSchema(pointer string, value any) error {
	schema, err := d.compiled(pointer)
	if err != nil {
		return fmt.Errorf("compile %s: %w", pointer, err)
	}
	return schema.Validate(value)
}

func (d *Document) compiled(pointer string) (*jsonschema.Schema, error) {
	_, pointer = d.At(pointer)
	d.mu.Lock()
	defer d.mu.Unlock()
	if schema, ok := d.schemas[pointer]; ok {
		return schema, nil
	}
	schema, err := d.compiler.Compile(location + "#" + pointer)
	if err == nil {
		d.schemas[pointer] = schema
	}
	return schema, err
}

// CheckJSON is CheckSchema for a document that is not parsed yet.
func (d *Document) CheckJSON(pointer string, raw []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("not JSON: %w: %q", err, raw)
	}
	return d.CheckSchema(pointer, value)
}

// Properties returns the names of what an object of this schema may hold, sorted.
func (d *Document) Properties(schema string) []string {
	properties, _ := d.At("/components/schemas/" + schema + "/properties")
	return slices.Sorted(maps.Keys(asMap(properties)))
}

// Parameter is one of an operation, in its path, its query or a header.
type Parameter struct {
	Name, In string
	Required bool
	Schema   string // pointer
}

// Parameters returns those of an operation and of its path.
func (d *Document) Parameters(op Operation) []Parameter {
	var found []Parameter
	for _, at := range []string{op.Pointer, op.Pointer[:strings.LastIndex(op.Pointer, "/")]} {
		list, _ := d.At(at + "/parameters")
		all, _ := list.([]any)
		for i, p := range all {
			here, pointer := d.follow(p, at+"/parameters/"+strconv.Itoa(i))
			m := asMap(here)
			required, _ := m["required"].(bool)
			found = append(found, Parameter{m["name"].(string), m["in"].(string), required, pointer + "/schema"})
		}
	}
	return found
}

// Bodies returns the media types of the body that an operation takes, with pointers to
// their schemas, and whether there must be one.
func (d *Document) Bodies(op Operation) (schemas map[string]string, required bool) {
	body, pointer := d.At(op.Pointer + "/requestBody")
	schemas = map[string]string{}
	for media := range asMap(asMap(body)["content"]) {
		schemas[media] = pointer + "/content/" + escape(media) + "/schema"
	}
	required, _ = asMap(body)["required"].(bool)
	return schemas, required
}

// Unseen returns every answer that the document promises and no exchange had, as
// "GET /v1/servers 200".
func (d *Document) Unseen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var missing []string
	for name := range d.promised() {
		if !d.seen[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

func (d *Document) promised() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, op := range d.Operations() {
			responses, _ := d.At(op.Pointer + "/responses")
			for status := range maps.Keys(asMap(responses)) {
				if status != "default" && !yield(op.Name()+" "+status) {
					return
				}
			}
		}
	}
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
