package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// readRoutes are the paths of openapi.yaml that can be read, parents before what is below them.
func (a *aviary) readRoutes() (routes []string) {
	text, err := os.ReadFile("../../../api-specs/openapi.yaml")
	require.NoError(a.t, err)
	path := ""
	for line := range strings.Lines(string(text)) {
		if m := regexp.MustCompile(`^  (/[^ ]*):$`).FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			path = m[1]
		}
		if strings.HasPrefix(line, "    get:") {
			routes = append(routes, path)
		}
	}
	slices.Sort(routes)
	require.Greater(a.t, len(routes), 40)
	return routes
}

// walk reads every route that can be read, of everything that there is, so that it is in the transcript.
func (a *aviary) walk() {
	queries := map[string]string{
		"/v1/releases": "?application=" + app, "/v1/logs": "?application=" + app + "&file=shared/log/app.log", "/v1/events": "?after=1",
	}
	at := map[string][]string{} // addresses of a route
	for _, route := range a.readRoutes() {
		at[route] = a.addresses(route, at)
		require.NotEmpty(a.t, at[route], "there is nothing to read %s of", route)
		for _, address := range at[route] {
			if route == "/v1/events" {
				a.watch(address + queries[route])
				continue
			}
			got := a.answered(a.t, request{method: "GET", path: address + queries[route]})
			require.Less(a.t, got.status, 300, "%s: %s", address, got)
		}
	}
}

// addresses are the paths of a route, of all that its parent lists.
func (a *aviary) addresses(route string, at map[string][]string) (addresses []string) {
	end := strings.LastIndex(route, "}")
	switch {
	case end < 0:
		return []string{route}
	case end < len(route)-1:
		for _, of := range at[route[:end+1]] {
			addresses = append(addresses, of+route[end+1:])
		}
		return addresses
	}
	for _, list := range at[route[:strings.LastIndex(route, "/")]] {
		got := a.answered(a.t, request{method: "GET", path: list})
		var page struct{ Items, Replicas []map[string]any }
		require.NoError(a.t, json.Unmarshal(got.body, &page), "%s", got)
		for _, item := range slices.Concat(page.Items, page.Replicas) {
			for _, name := range []string{"id", "service", "name"} {
				if id, ok := item[name].(string); ok {
					addresses = append(addresses, list+"/"+id)
					break
				}
			}
		}
	}
	return addresses
}

// watch is shown what has happened so far: a comment says that there is no more for now, or that it takes its time.
func (a *aviary) watch(address string) {
	ctx, stop := context.WithTimeout(a.t.Context(), patience)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+address, nil)
	require.NoError(a.t, err)
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.http.Do(req)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	require.Equal(a.t, http.StatusOK, resp.StatusCode)
	events := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data:") {
			events++
		}
		if strings.HasPrefix(lines.Text(), ":") && events > 10 {
			break
		}
		_, err = fmt.Fprintln(a.transcript, lines.Text())
		require.NoError(a.t, err)
	}
	require.Greater(a.t, events, 10)
}
