package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Exchange is a request and what came of it.
type Exchange struct {
	Request  *http.Request
	Sent     []byte // the body of the request
	Response *http.Response
	Got      []byte // what was read of the answer
	Whole    bool   // that is all of it
}

// mustBeDeclared are the headers that callers act on: an answer has none of them that
// the document does not promise.
var mustBeDeclared = []string{"Location", "Etag", "Retry-After", "Idempotency-Replayed"}

// Check returns what the document does not allow about an exchange. What the gateway
// took must be a valid request; every answer must be one that is described.
func (d *Document) Check(e Exchange) error {
	op, known := d.Operation(e.Request.Method, e.Request.URL.EscapedPath())
	if !known {
		return errors.Join(d.checkProblem(e), checkIdentified(e))
	}
	errs := []error{checkIdentified(e)}
	if e.Response.StatusCode < http.StatusBadRequest {
		errs = append(errs, d.checkRequest(op, e))
	}
	response, err := d.response(op, e.Response.StatusCode)
	errs = append(errs, err, d.checkHeaders(response, e), d.checkAnswer(response, e))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %d: %w", op.Name(), e.Response.StatusCode, err)
	}
	return nil
}

// response returns where an answer is described, which is seen then. Of answers that tell
// of no error there must be one for each status.
func (d *Document) response(op Operation, status int) (pointer string, err error) {
	code := strconv.Itoa(status)
	pointer = op.Pointer + "/responses/" + code
	if found, _ := d.At(pointer); found == nil {
		if status < http.StatusBadRequest {
			err = errors.New("the status is not in openapi.yaml")
		}
		return op.Pointer + "/responses/default", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[op.Name()+" "+code] = true
	return pointer, nil
}

// CheckRequest returns what the document does not allow about a request that a client
// sends, before anybody has answered it.
func (d *Document) CheckRequest(req *http.Request, body []byte) error {
	op, known := d.Operation(req.Method, req.URL.EscapedPath())
	if !known {
		return fmt.Errorf("there is no %s %s in openapi.yaml", req.Method, req.URL.Path)
	}
	if schemas, _ := d.Bodies(op); len(schemas) == 0 && len(body) > 0 {
		return fmt.Errorf("%s takes no body", op.Name())
	}
	if err := d.checkRequest(op, Exchange{Request: req, Sent: body}); err != nil {
		return fmt.Errorf("%s: %w", op.Name(), err)
	}
	return nil
}

// CheckAnswer returns what the document does not allow about the answer of one that stands
// for a gateway: its status and its body, not its headers.
func (d *Document) CheckAnswer(req *http.Request, status int, header http.Header, body []byte) error {
	op, known := d.Operation(req.Method, req.URL.EscapedPath())
	if !known {
		return fmt.Errorf("there is no %s %s in openapi.yaml", req.Method, req.URL.Path)
	}
	response, err := d.response(op, status)
	e := Exchange{Request: req, Response: &http.Response{StatusCode: status, Header: header}, Got: body, Whole: true}
	if err := errors.Join(err, d.checkAnswer(response, e)); err != nil {
		return fmt.Errorf("%s: %d: %w", op.Name(), status, err)
	}
	return nil
}

// checkIdentified holds an answer to what goes for all of them.
func checkIdentified(e Exchange) error {
	id, status := e.Response.Header.Get("X-Request-Id"), e.Response.StatusCode
	if id == "" {
		return errors.New("the answer has no X-Request-Id")
	}
	if status < http.StatusBadRequest || !e.Whole || e.Request.Method == http.MethodHead {
		return nil
	}
	var p struct {
		Status int    `json:"status"`
		ID     string `json:"request_id"`
	}
	if err := json.Unmarshal(e.Got, &p); err != nil || p.ID != id || p.Status != status {
		return fmt.Errorf("the problem is of %d and of request %q, the answer of %d and %q", p.Status, p.ID, status, id)
	}
	switch retry := e.Response.Header.Get("Retry-After"); status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if n, err := strconv.Atoi(retry); err != nil || n < 1 {
			return fmt.Errorf("%d has the Retry-After %q", status, retry)
		}
	case http.StatusUnauthorized:
		if e.Response.Header.Get("Www-Authenticate") == "" {
			return errors.New("401 has no WWW-Authenticate")
		}
	}
	return nil
}

// checkProblem holds an answer to a request that no operation is for to what a problem is.
func (d *Document) checkProblem(e Exchange) error {
	if e.Request.Method == http.MethodHead || e.Request.Method == http.MethodOptions && e.Response.StatusCode == http.StatusNoContent {
		return nil
	}
	if media := mediaOf(e.Response.Header); media != "application/problem+json" {
		return fmt.Errorf("%s %s: %d is of type %q", e.Request.Method, e.Request.URL.Path, e.Response.StatusCode, media)
	}
	return d.checkJSON("/components/schemas/Problem", e.Got)
}

func mediaOf(h http.Header) string {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return media
}

func (d *Document) checkRequest(op Operation, e Exchange) error {
	return errors.Join(d.checkParameters(op, e.Request), d.checkBody(op, e))
}

func (d *Document) checkParameters(op Operation, req *http.Request) error {
	var errs []error
	query, inPath := req.URL.Query(), pathValues(op.Path, req.URL.EscapedPath())
	for _, p := range d.Parameters(op) {
		var values []string
		switch p.In {
		case "query":
			values = query[p.Name]
			delete(query, p.Name)
		case "header":
			values = req.Header.Values(p.Name)
		case "path":
			values = inPath[p.Name]
		}
		if len(values) == 0 {
			if p.Required {
				errs = append(errs, fmt.Errorf("it does without the parameter %s", p.Name))
			}
			continue
		}
		if err := d.CheckSchema(p.Schema, d.typed(p.Schema, values)); err != nil {
			errs = append(errs, fmt.Errorf("it takes %s=%q: %w", p.Name, values, err))
		}
	}
	for name := range query {
		errs = append(errs, fmt.Errorf("it takes the parameter %s, which is not in openapi.yaml", name))
	}
	return errors.Join(errs...)
}

// pathValues returns what stands in a path for each parameter of its template.
func pathValues(template, path string) map[string][]string {
	values := map[string][]string{}
	have := strings.Split(path, "/")
	for i, part := range strings.Split(template, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			values[strings.TrimSuffix(name, "}")] = []string{have[i]}
		}
	}
	return values
}

// typed turns the text of a parameter into what its schema describes.
func (d *Document) typed(schema string, values []string) any {
	found, _ := d.At(schema)
	switch asMap(found)["type"] {
	case "array":
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		return list
	case "integer":
		return json.Number(values[0])
	case "boolean":
		return values[0] == "true"
	default:
		return values[0]
	}
}

func (d *Document) checkBody(op Operation, e Exchange) error {
	schemas, required := d.Bodies(op)
	media := mediaOf(e.Request.Header)
	schema, ok := schemas[media]
	switch {
	case len(e.Sent) == 0 && !required: // of whatever type
		return nil
	case len(e.Sent) == 0 && media == "":
		return errors.New("it does without a body")
	case len(schemas) == 0: // what is not read does no harm
		return nil
	case !ok:
		return fmt.Errorf("it takes a body of type %q", media)
	case !strings.HasSuffix(media, "json"):
		return nil
	}
	if err := d.checkJSON(schema, e.Sent); err != nil && d.checkJSON(schema, withoutNulls(e.Sent)) != nil {
		return fmt.Errorf("it takes a body that openapi.yaml does not allow: %w", err)
	}
	return nil
}

// withoutNulls leaves out the fields that are null, since they count as left out.
func withoutNulls(text []byte) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return text
	}
	var strip func(any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			maps.DeleteFunc(v, func(_ string, field any) bool { return field == nil })
			for _, field := range v {
				strip(field)
			}
		case []any:
			for _, item := range v {
				strip(item)
			}
		}
	}
	strip(v)
	stripped, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return stripped
}

func (d *Document) checkHeaders(response string, e Exchange) error {
	var errs []error
	found, _ := d.At(response + "/headers")
	declared := asMap(found)
	for name := range declared {
		header, pointer := d.At(response + "/headers/" + name)
		value := e.Response.Header.Get(name)
		if required, _ := asMap(header)["required"].(bool); value == "" {
			if required {
				errs = append(errs, fmt.Errorf("there is no header %s", name))
			}
			continue
		}
		if err := d.CheckSchema(pointer+"/schema", d.typed(pointer+"/schema", []string{value})); err != nil {
			errs = append(errs, fmt.Errorf("the header %s is %q: %w", name, value, err))
		}
	}
	for _, name := range mustBeDeclared {
		if e.Response.Header.Get(name) != "" && !slices.ContainsFunc(keys(declared), func(k string) bool { return strings.EqualFold(k, name) }) {
			errs = append(errs, fmt.Errorf("the header %s is not in openapi.yaml", name))
		}
	}
	return errors.Join(errs...)
}

func keys(m map[string]any) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	return all
}

func (d *Document) checkAnswer(response string, e Exchange) error {
	content, _ := d.At(response + "/content")
	if content == nil {
		if len(e.Got) > 0 {
			return fmt.Errorf("it has a body, and openapi.yaml knows of none: %s", e.Got)
		}
		return nil
	}
	media := mediaOf(e.Response.Header)
	schema := response + "/content/" + escape(media) + "/schema"
	if _, ok := asMap(content)[media]; !ok {
		return fmt.Errorf("it is of type %q", media)
	}
	switch {
	case e.Request.Method == http.MethodHead:
		if len(e.Got) > 0 {
			return fmt.Errorf("it has a body, in answer to HEAD: %s", e.Got)
		}
		return nil
	case media == "text/event-stream":
		return d.checkLines("/components/schemas/StreamEvent", e, "data: ")
	case media == "application/x-ndjson": // the schema is that of a line
		return d.checkLines(schema, e, "")
	case !strings.HasSuffix(media, "json"), !e.Whole:
		return nil
	}
	return d.checkJSON(schema, e.Got)
}

// checkLines holds the whole lines that begin like this to a schema.
func (d *Document) checkLines(schema string, e Exchange, prefix string) error {
	var errs []error
	for line := range bytes.Lines(e.Got) {
		data, ok := bytes.CutPrefix(line, []byte(prefix))
		if !ok || !e.Whole && !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		errs = append(errs, d.checkJSON(schema, data))
	}
	return errors.Join(errs...)
}

func (d *Document) checkJSON(schema string, raw []byte) error {
	if err := d.CheckJSON(schema, raw); err != nil {
		return fmt.Errorf("not as openapi.yaml says: %w\n%s", err, raw)
	}
	return nil
}
