package malformed

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/openapitest"
)

// Request is one to be sent as it stands.
type Request struct {
	Operation openapitest.Operation // that it began as
	Method    string
	Target    string // path and query
	Header    [][2]string
	Body      string
}

// Next makes a request for one of the operations with something wrong about it.
func (m *Maker) Next(operations []openapitest.Operation) Request {
	op := pick(m, operations)
	r := Request{Operation: op, Method: op.Method}
	path, query := m.path(op), m.query(op)
	r.Header = m.header(op)
	media, body := m.body(op)
	spoilt := false
	for !spoilt || m.chance(0.2) {
		switch n := m.rand.IntN(20); {
		case n < 9 && body != nil:
			body, spoilt = m.spoilTree(body), true
		case n < 11 && body != nil:
			body, spoilt = raw(m.spoilText(written(body))), true
		case n == 11:
			media, spoilt = m.otherMedia(), true
		case n == 12:
			r.Method, spoilt = pick(m, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "post", "A", "CONNECTX"}), true
		case n == 13:
			path, spoilt = m.otherPath(path), true
		case n == 14 && body == nil:
			media, body, spoilt = "application/json", m.wrong(), true
		case n < 18:
			query, spoilt = append(query, m.otherQuery(op)), true
		default:
			r.Header, spoilt = append(r.Header, m.otherHeader()), true
		}
	}
	r.Target = path
	if len(query) > 0 {
		r.Target += "?" + strings.Join(query, "&")
	}
	if body != nil {
		r.Body = written(body)
	}
	if media != "" {
		r.Header = append(r.Header, [2]string{"Content-Type", media})
	}
	return r
}

func written(body any) string {
	var out strings.Builder
	encode(&out, body)
	return out.String()
}

// path fills in what a path has parameters for, mostly with what is there.
func (m *Maker) path(op openapitest.Operation) string {
	parts := strings.Split(op.Path, "/")
	for i, part := range parts {
		name, ok := strings.CutPrefix(part, "{")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		known := m.Known[strings.Join(parts[:3], "/")+" "+name]
		if len(known) > 0 && m.chance(0.85) {
			parts[i] = pick(m, known)
		} else {
			parts[i] = url.PathEscape(pick(m, append(slices.Clone(texts), "d3v5k1jq0s9c73a1b2c0", strings.Repeat("x", 3000))))
		}
		if parts[i] == "" {
			parts[i] = "x"
		}
	}
	return strings.Join(parts, "/")
}

func (m *Maker) query(op openapitest.Operation) []string {
	var all []string
	for _, p := range m.Document.Parameters(op) {
		if p.In == "query" && m.chance(0.4) {
			all = append(all, p.Name+"="+url.QueryEscape(m.parameter(p)))
		}
	}
	return all
}

// parameter is a value of one.
func (m *Maker) parameter(p openapitest.Parameter) string {
	v := m.value(p.Schema, p.Name, 0)
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			return ""
		}
		v = list[0]
	}
	return fmt.Sprint(v)
}

func (m *Maker) header(op openapitest.Operation) [][2]string {
	var all [][2]string
	for _, p := range m.Document.Parameters(op) {
		if p.In == "header" && m.chance(0.2) {
			all = append(all, [2]string{p.Name, strings.Map(visible, m.parameter(p))})
		}
	}
	return all
}

func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '.'
	}
	return r
}

// body returns a valid body and its type; nil: the operation takes none.
func (m *Maker) body(op openapitest.Operation) (media string, body any) {
	schemas, _ := m.Document.Bodies(op)
	if len(schemas) == 0 {
		return "", nil
	}
	var all []string
	for media := range schemas {
		all = append(all, media)
	}
	slices.Sort(all)
	media = pick(m, all)
	if !strings.HasSuffix(media, "json") {
		return media, raw(m.spoilText("some bytes of a package"))
	}
	return media, m.value(schemas[media], "", 0)
}

func (m *Maker) otherMedia() string {
	return pick(m, []string{
		"", "text/plain", "application/xml", "application/json; charset=utf-16", "application/json; charset", ";", "application/merge-patch+json",
		"multipart/form-data; boundary=x", "application/octet-stream", "application/json, text/plain", "APPLICATION/JSON", strings.Repeat("a", 5000) + "/b",
	})
}

func (m *Maker) otherPath(path string) string {
	return pick(m, []string{
		path + "/", "/" + path, path + "%2F", path + "%00", path + "/..", path + "/../../v1/servers", strings.ReplaceAll(path, "/", "%2f"), path + "%",
		path + "%zz", path + ";x=y", path + "/%2e%2e/", strings.ToUpper(path), path + "%ff", path + "//x", path + "/" + strings.Repeat("y", 4000), "/" + url.PathEscape(pick(m, texts)),
	})
}

func (m *Maker) otherQuery(op openapitest.Operation) string {
	value := url.QueryEscape(pick(m, append(slices.Clone(texts), "eyJhIjoxfQ", strings.Repeat("z", 3000))))
	name := pick(m, []string{"x", "", "limit", "cursor", "after", "sort", "state", "label", "%zz", "a;b", "\u00e9"})
	for _, p := range m.Document.Parameters(op) {
		if p.In == "query" && m.chance(0.4) {
			name = p.Name
		}
	}
	if name == "limit" {
		value = pick(m, []string{"0", "-1", "501", "1e2", "+1", "01", "99999999999999999999", "", "%00", "1", "١"})
	}
	if name == "cursor" && m.chance(0.5) {
		value = cursor(pick(m, marks))
	}
	return name + pick(m, []string{"=", "=", "=", "", "==", "=%"}) + value
}

func (m *Maker) otherHeader() [2]string {
	value := strings.Map(visible, pick(m, append(slices.Clone(texts), strings.Repeat("w", 300), strings.Repeat("w", 20_000))))
	return [2]string{pick(m, []string{
		"Idempotency-Key", "If-Match", "Last-Event-ID", "X-Request-Id", "Accept", "Accept-Encoding", "Origin", "Upgrade", "Connection", "X-Forwarded-For",
		"Traceparent", "Content-Encoding", "If-None-Match", "Range", "Cookie", "Authorization", "X-Http-Method-Override", "Sec-WebSocket-Key",
	}), value}
}
