package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-deploy/slipway/libs/openapitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// OpenAPI is the document, which is read once for all tests.
var OpenAPI = sync.OnceValue(openapitest.Load)

// Token is the one that the gateway knows.
var Token = "slw_" + strings.Repeat("hush", 10) + "abc"

// Gateway is a gateway for one test.
type Gateway struct {
	URL string

	t    testing.TB
	spec *openapitest.Document

	mu          sync.Mutex
	ids         int
	servers     []client.Server
	secrets     map[string]client.Credential // by server id
	packages    []client.Package
	deployments []*deployment // newest first
	locks       []client.Lock
	slots       client.Slots
	full        bool // no more deployments may be under way
	running     map[string]map[string]client.ServerReleases
	failures    map[string]Fault
	webhooks    []*webhook
	tokens      []client.Token
	items       []item
	deadEnd     bool // deliveries to webhooks are dead
	audit       [][]byte
	held        bool
	pace        int // events that each host has between two looks
	seen        []Seen
	answers     map[string]answer // by Idempotency-Key
	before      func(w http.ResponseWriter, r *http.Request) bool
	lost        func(r *http.Request) bool
	free        bool // answers need not match the document
}

// Seen is a request that arrived.
type Seen struct {
	Method, Path, Query, Key string
	Body                     []byte
}

// answer is what was answered first.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// New starts a gateway.
func New(t testing.TB) *Gateway {
	t.Helper()
	g := &Gateway{
		t: t, spec: OpenAPI(), pace: 4,
		secrets: map[string]client.Credential{}, failures: map[string]Fault{}, answers: map[string]answer{},
		running: map[string]map[string]client.ServerReleases{},
	}
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// Before lets handle see each request first. Where it returns true, it has answered; the answer need not be one that is
// documented.
func (g *Gateway) Before(handle func(w http.ResponseWriter, r *http.Request) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before = handle
}

// Lose makes the gateway do what these requests ask for and then close the connection instead of answering.
func (g *Gateway) Lose(these func(r *http.Request) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = these
}

// Free lets the gateway answer what openapi.yaml does not allow, as a hostile one would.
func (g *Gateway) Free() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free = true
}

// Seen returns the requests that arrived with this method and path, in order.
func (g *Gateway) Seen(method, path string) []Seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []Seen
	for _, s := range g.seen {
		if s.Method == method && s.Path == path {
			found = append(found, s)
		}
	}
	return found
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	before := g.before
	g.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+Token {
		problem(w, r, http.StatusUnauthorized, "unauthorized", "this token is not known") //nolint:misspell // the API's word
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, Seen{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Idempotency-Key"), body})
	err = g.spec.CheckRequest(r, body)
	if err == nil && r.Header.Get("Idempotency-Key") != "" && r.Method != http.MethodPost {
		err = errors.New("it takes no Idempotency-Key")
	}
	if err != nil {
		g.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		problem(w, r, http.StatusBadRequest, "malformed_request", err.Error())
		return
	}
	a := g.answerOnce(r, body)
	if err := g.spec.CheckAnswer(r, a.status, a.header, a.body); err != nil && !g.free {
		g.t.Errorf("answer to %s %s: %v", r.Method, r.URL, err)
	}
	if g.lost != nil && g.lost(r) {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// answerOnce gives the first answer again to a request that is repeated with its key.
func (g *Gateway) answerOnce(r *http.Request, body []byte) answer {
	key := r.Header.Get("Idempotency-Key")
	if first, ok := g.answers[key]; ok && key != "" {
		first.header.Set("Idempotency-Replayed", "true")
		return first
	}
	rec := httptest.NewRecorder()
	g.handle(rec, r, body)
	a := answer{rec.Code, rec.Header(), rec.Body.Bytes()}
	if key != "" && a.status < 400 {
		g.answers[key] = a
	}
	return a
}

func (g *Gateway) handle(w http.ResponseWriter, r *http.Request, body []byte) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	id := ""
	if len(parts) > 2 {
		id, parts[2] = parts[2], "{id}"
	}
	if len(parts) > 2 && parts[1] == "services" {
		g.oneService(w, r, id, strings.Join(parts[3:], "/"))
		return
	}
	if parts[len(parts)-1] == "webhooks" || len(parts) > 2 && parts[1] == "webhooks" {
		g.handleWebhooks(w, r, id, parts, body)
		return
	}
	switch r.Method + " " + strings.Join(parts, "/") {
	case "POST v1/servers":
		g.addServer(w, r, body)
	case "GET v1/servers":
		g.listServers(w, r)
	case "GET v1/servers/{id}", "PATCH v1/servers/{id}", "DELETE v1/servers/{id}":
		g.oneServer(w, r, id, body)
	case "POST v1/known-hosts":
		g.importKnownHosts(w, body)
	case "POST v1/packages":
		g.addPackage(w, r, body)
	case "GET v1/packages":
		g.listPackages(w, r)
	case "POST v1/deployments":
		g.deploy(w, r, body)
	case "GET v1/deployments":
		g.listDeployments(w, r)
	case "GET v1/deployments/{id}", "GET v1/deployments/{id}/targets", "GET v1/deployments/{id}/logs", "POST v1/deployments/{id}/rollback", "POST v1/deployments/{id}/retry",
		"POST v1/deployments/{id}/cancel", "POST v1/deployments/{id}/pause", "POST v1/deployments/{id}/resume",
		"POST v1/deployments/{id}/promote", "POST v1/deployments/{id}/reject", "POST v1/deployments/{id}/approve",
		"POST v1/deployments/{id}/skip":
		g.oneDeployment(w, r, id, body)
	case "POST v1/applications/{id}/init":
		g.init(w, r, id, body)
	case "GET v1/running":
		g.listRunning(w, r)
	case "GET v1/statistics":
		reply(w, http.StatusOK, g.statistics(r))
	case "GET v1/history":
		reply(w, http.StatusOK, behind)
	case "GET v1/health", "GET v1/services", "GET v1/service-events":
		g.tellOfServices(w, r, parts[1])
	case "GET v1/locks":
		g.listLocks(w, r)
	case "DELETE v1/locks/{id}":
		g.breakLock(w, r, id)
	case "GET v1/logs":
		g.tailLogs(w, r)
	case "GET v1/releases":
		g.listReleases(w, r)
	default:
		g.handleAccess(w, r, id, strings.Join(parts[1:], "/"), body)
	}
}

func (g *Gateway) tellOfServices(w http.ResponseWriter, r *http.Request, what string) {
	switch what {
	case "health":
		reply(w, http.StatusOK, degraded)
	case "services":
		reply(w, http.StatusOK, map[string]any{"items": []client.Service{executors}})
	default:
		g.listServiceEvents(w, r)
	}
}

func (g *Gateway) handleWebhooks(w http.ResponseWriter, r *http.Request, id string, parts []string, body []byte) {
	if len(parts) > 4 {
		g.oneDelivery(w, r, id, parts[4])
		return
	}
	switch r.Method + " " + strings.Join(parts, "/") {
	case "POST v1/webhooks":
		g.addWebhook(w, body)
	case "GET v1/webhooks":
		g.listWebhooks(w, r)
	case "GET v1/webhooks/{id}", "DELETE v1/webhooks/{id}", "GET v1/webhooks/{id}/deliveries", "POST v1/webhooks/{id}/test",
		"POST v1/webhooks/{id}/pause", "POST v1/webhooks/{id}/resume", "POST v1/webhooks/{id}/rotate":
		g.oneWebhook(w, r, id, body)
	default:
		problem(w, r, http.StatusNotFound, "not_found", "there is no such page")
	}
}

// handleAccess answers what is asked about who may do what, and who did, about projects, and lists.
func (g *Gateway) handleAccess(w http.ResponseWriter, r *http.Request, id, path string, body []byte) {
	switch r.Method + " " + path {
	case "GET whoami":
		reply(w, http.StatusOK, client.Identity{Kind: "token", ID: idOf(1), Name: "ci", Grants: []client.Grant{{Role: "administrator"}}})
	case "POST servers/{id}":
		g.importServers(w, body)
	case "GET audit":
		g.listAudit(w, r)
	case "POST tokens", "GET tokens", "GET tokens/{id}", "DELETE tokens/{id}":
		g.someToken(w, r, id, body)
	default:
		if strings.HasPrefix(path, "projects") || strings.HasPrefix(path, "groups") {
			g.someItem(w, r, body)
			return
		}
		problem(w, r, http.StatusNotFound, "not_found", "there is no such page")
	}
}

// next returns a new id. Ids sort by the time they were made.
func (g *Gateway) next() string {
	g.ids++
	return idOf(g.ids)
}

func idOf(n int) string { return fmt.Sprintf("d3v5k1jq0s9c73%06d", n) }

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func problem(w http.ResponseWriter, r *http.Request, status int, code, detail string, fields ...client.FieldError) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(client.Problem{
		Type: "urn:slipway:problem:" + code, Title: http.StatusText(status), Status: status, Detail: detail, Code: code,
		Instance: r.URL.Path, RequestID: idOf(0), Errors: fields,
	})
}

// Unavailable answers with 503, as a gateway without its broker does.
func Unavailable(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	problem(w, r, http.StatusServiceUnavailable, "unavailable", "the message broker does not answer")
}

func decode(body []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		panic(err) // the schema has let it pass
	}
}

// pageOf cuts out the page that was asked for. A cursor is the place of the first item.
func pageOf[T any](r *http.Request, all []T) client.Page[T] {
	limit, first := 100, 0
	_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &limit)
	_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &first)
	first = min(first, len(all))
	end := min(first+limit, len(all))
	p := client.Page[T]{Items: append([]T{}, all[first:end]...)}
	if end < len(all) {
		p.Next = fmt.Sprint(end)
	}
	return p
}

// Forbid answers as a gateway does where the permission is missing.
func Forbid(w http.ResponseWriter, r *http.Request, permission string) {
	problem(w, r, http.StatusForbidden, "forbidden", "you do not have the permission "+permission)
}
