package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// client speaks to a gateway as openapi.yaml describes it. It keeps a transcript of all answers, in which secrets are
// looked for in the end.
type client struct {
	url   string
	token string
	http  *http.Client

	mu         sync.Mutex
	transcript *os.File
}

func newClient(t testing.TB, dir, url, token string) *client {
	t.Helper()
	transcript, err := os.OpenFile(filepath.Join(dir, "answers.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	c := &client{url: url, token: token, transcript: transcript, http: &http.Client{Timeout: patience, Transport: &http.Transport{}}}
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		_ = transcript.Close()
	})
	return c
}

// answer is what came back, whatever it is.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// problem is an error of the gateway.
type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

func (a answer) problem(t testing.TB) problem {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), "%s", a)
	var p problem
	require.NoError(t, json.Unmarshal(a.body, &p), "%s", a)
	return p
}

// fields are the names of the bad fields.
func (p problem) fields() []string {
	var names []string
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return names
}

// request is one request; body is sent as JSON unless it is a []byte.
type request struct {
	method, path string
	query        url.Values
	body         any
	header       map[string]string
}

// do sends a request. It fails where there is no answer.
func (c *client) do(r request) (answer, error) {
	body, kind, err := encode(r.body)
	if err != nil {
		return answer{}, err
	}
	address := c.url + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(context.Background(), r.method, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if r.body != nil {
		req.Header.Set("Content-Type", kind)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return answer{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = fmt.Fprintf(c.transcript, "%s %s: %v %s\n", r.method, r.path, a.header, a)
	return a, err
}

func encode(body any) (data []byte, contentType string, err error) {
	if raw, ok := body.([]byte); ok {
		return raw, "application/octet-stream", nil
	}
	if body == nil {
		return nil, "", nil
	}
	data, err = json.Marshal(body)
	return data, "application/json", err
}

// must sends a request that is to be answered with one of these statuses, and reads the answer as T. While the test kills
// services, the gateway may be away, or ask to be asked again: then it is.
func must[T any](t testing.TB, c *client, r request, statuses ...int) T {
	t.Helper()
	var (
		a   answer
		err error
	)
	poll(patience, func() bool {
		a, err = c.do(r)
		return err == nil && a.header.Get("Retry-After") == ""
	})
	require.NoError(t, err, "%s %s", r.method, r.path)
	require.Contains(t, statuses, a.status, "%s %s: %s", r.method, r.path, a)
	var value T
	if len(a.body) > 0 {
		require.NoError(t, json.Unmarshal(a.body, &value), "%s", a)
	}
	return value
}

// answered is what becomes of a request once every part of Slipway that it needs has had time for it. What it makes is made once.
func (c *client) answered(t testing.TB, r request) (a answer) {
	t.Helper()
	if r.method == http.MethodPost && r.header["Idempotency-Key"] == "" {
		header := map[string]string{"Idempotency-Key": uniqueKey()}
		maps.Copy(header, r.header)
		r.header = header
	}
	var err error
	poll(patience, func() bool {
		a, err = c.do(r)
		return err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == ""
	})
	require.NoError(t, err, "%s %s", r.method, r.path)
	return a
}

type server struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	HostKey string `json:"host_key"`
}

type packageInfo struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Format  string `json:"format"`
}

type deployment struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"`
	Version    string `json:"version"`
	RollbackOf string `json:"rollback_of"`
	State      string `json:"state"`
	Targets    int    `json:"targets"`
	Counts     struct {
		Pending, Running, Succeeded, Failed, Skipped, Cancelled int
	} `json:"counts"`
}

func (d deployment) ended() bool {
	return slices.Contains([]string{"succeeded", "failed", "cancelled", "rejected"}, d.State)
}

type failure struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

type target struct {
	Server    string    `json:"server"`
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Attempt   int       `json:"attempt"`
	Executor  string    `json:"executor"`
	Step      string    `json:"step"`
	Done      int64     `json:"done_bytes"`
	Steps     []step    `json:"steps"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Release   string    `json:"release"`
	Previous  string    `json:"previous"`
	Changed   bool      `json:"changed"`
	Note      string    `json:"note"`
	Failure   *failure  `json:"failure"`
}

type step struct {
	Step      string    `json:"step"`
	State     string    `json:"state"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
}

type serverReleases struct {
	Name     string   `json:"name"`
	Current  string   `json:"current"`
	Intact   bool     `json:"intact"`
	Previous string   `json:"previous"`
	Failure  *failure `json:"failure"`
	Releases []struct {
		Version string `json:"version"`
		SHA256  string `json:"sha256"`
	} `json:"releases"`
}

type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

// all reads every page of a list.
func all[T any](t testing.TB, c *client, path string, query url.Values) []T {
	t.Helper()
	query = url.Values(http.Header(query).Clone())
	if query == nil {
		query = url.Values{}
	}
	var items []T
	for {
		p := must[page[T]](t, c, request{method: "GET", path: path, query: query}, http.StatusOK)
		items = append(items, p.Items...)
		if p.NextCursor == "" {
			return items
		}
		query.Set("cursor", p.NextCursor)
	}
}

// upload stores a package.
func (c *client) upload(t testing.TB, application, version, filename string, content []byte) packageInfo {
	t.Helper()
	return must[packageInfo](t, c, uploading(application, version, filename, content), http.StatusCreated)
}

// uploadVersions uploads versions of app with so many bytes of ballast each.
func (c *client) uploadVersions(t testing.TB, ballast int, versions ...string) {
	t.Helper()
	for _, version := range versions {
		c.upload(t, app, version, "shop.tar.gz", contentOf(version, ballast).tarGz(t))
	}
}

func uploading(application, version, filename string, content []byte) request {
	return request{method: "POST", path: "/v1/packages", body: content, query: url.Values{
		"application": {application}, "version": {version}, "filename": {filename},
	}}
}

// order is what a deployment is asked for with.
type order struct {
	Application string    `json:"application"`
	Version     string    `json:"version"`
	Servers     []string  `json:"servers"`
	Path        string    `json:"path,omitempty"`
	Keep        int       `json:"keep,omitempty"`
	Remove      []string  `json:"remove,omitempty"`
	Strategy    *strategy `json:"strategy,omitempty"`
	Failures    *failures `json:"failures,omitempty"`
	Approval    *struct{} `json:"approval,omitempty"`
	WhenBusy    string    `json:"when_busy,omitempty"`
	Hooks       hooks     `json:"hooks,omitzero"`
}

// hooks are commands that run before.
type hooks struct {
	Before []hook `json:"before"`
}

type hook struct {
	Name    string `json:"name"`
	Command string `json:"command"`
}

// failures is how many servers may fail, and what follows.
type failures struct {
	Then string `json:"then,omitempty"`
}

// strategy is in which waves a deployment goes through its servers.
type strategy struct {
	Type     string    `json:"type"`
	First    int       `json:"first,omitempty"`
	Batch    int       `json:"batch,omitempty"`
	Hold     string    `json:"hold,omitempty"`
	Analysis *analysis `json:"analysis,omitempty"`
}

// analysis is how measurements judge a canary.
type analysis struct {
	Checks       []map[string]any `json:"checks"`
	Interval     string           `json:"interval"`
	Successes    int              `json:"successes"`
	Inconclusive int              `json:"inconclusive,omitempty"`
}

func (o order) request(key string) request {
	return request{method: "POST", path: "/v1/deployments", body: o, header: map[string]string{"Idempotency-Key": key}}
}

// deploy has a deployment accepted, even while the gateway comes and goes: the key makes a repeat safe.
func (c *client) deploy(t testing.TB, o order) deployment {
	t.Helper()
	return must[deployment](t, c, o.request(uniqueKey()), http.StatusAccepted)
}

// rollBack has the rollback of a deployment accepted.
func (c *client) rollBack(t testing.TB, of string) deployment {
	t.Helper()
	return must[deployment](t, c, request{
		method: "POST", path: "/v1/deployments/" + of + "/rollback", body: map[string]any{},
		header: map[string]string{"Idempotency-Key": uniqueKey()},
	}, http.StatusAccepted)
}

func (c *client) deployment(t testing.TB, id string) deployment {
	t.Helper()
	return must[deployment](t, c, request{method: "GET", path: "/v1/deployments/" + id}, http.StatusOK)
}

// targets are the targets of a deployment by the name of their server.
func (c *client) targets(t testing.TB, id string) map[string]target {
	t.Helper()
	byName := map[string]target{}
	for _, one := range all[target](t, c, "/v1/deployments/"+id+"/targets", nil) {
		byName[one.Name] = one
	}
	return byName
}

// await waits for the deployment to end.
func (c *client) await(t testing.TB, id string, within time.Duration) deployment {
	t.Helper()
	var last deployment
	if poll(within, func() bool {
		last = c.deployment(t, id)
		return last.ended()
	}) {
		return last
	}
	require.FailNow(t, "a deployment does not end", "after %s: %+v\n%s", within, last, c.describe(t, id))
	return last
}

// succeed waits for the deployment to succeed on every host.
func (c *client) succeed(t testing.TB, id string) {
	t.Helper()
	d := c.await(t, id, 3*time.Minute)
	require.Equal(t, "succeeded", d.State, "%s", c.describe(t, id))
	require.Equal(t, d.Targets, d.Counts.Succeeded)
}

// describe says how each target of a deployment stands, for messages.
func (c *client) describe(t testing.TB, id string) string {
	t.Helper()
	var text strings.Builder
	targets := c.targets(t, id)
	for _, name := range sortedKeys(targets) {
		one := targets[name]
		fmt.Fprintf(&text, "%s: %s, attempt %d by %s, step %s, release %q %s", one.Name, one.State, one.Attempt, one.Executor, one.Step, one.Release, one.Note)
		if one.Failure != nil {
			fmt.Fprintf(&text, ": %s: %s", one.Failure.Code, one.Failure.Reason)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// releases reads what servers hold, by their name.
func (c *client) releases(t testing.TB, application string, servers ...string) map[string]serverReleases {
	t.Helper()
	byName := map[string]serverReleases{}
	for _, one := range all[serverReleases](t, c, "/v1/releases", url.Values{"application": {application}, "server": servers}) {
		byName[one.Name] = one
	}
	return byName
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
