package gateway_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/openapitest"
)

// dialectDocuments returns the documents of all dialects, by the base path of each. A test of the API holds them to the
// routes that there are.
func dialectDocuments(t *testing.T) map[string]*openapitest.Document {
	t.Helper()
	files, err := filepath.Glob("../../api-specs/dialects/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]*openapitest.Document{}
	for _, file := range files {
		all["/compat/"+strings.TrimSuffix(filepath.Base(file), ".yaml")] = openapitest.Read(file)
	}
	return all
}

// dialectOperations returns every operation of every dialect, and the permission that it needs.
func dialectOperations(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for base, document := range dialectDocuments(t) {
		for _, op := range document.Operations() {
			require.NotEmpty(t, op.Permission, base+" "+op.Name())
			all[op.Method+" "+base+strings.TrimSuffix(op.Path, "/")] = op.Permission
		}
	}
	return all
}

var inPath = regexp.MustCompile(`{[^}]*}`)

// tryInDialect sends an operation that is about nothing that there is, and returns what is answered.
func (w *world) tryInDialect(operation, token string) (status int, said string) {
	w.Helper()
	method, path, _ := strings.Cut(operation, " ")
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.url+inPath.ReplaceAllString(path, "x"), strings.NewReader("{}"))
	require.NoError(w, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(w, err, operation)
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") { // it may never end
		return res.StatusCode, ""
	}
	raw, err := io.ReadAll(res.Body)
	require.NoError(w, err, operation)
	return res.StatusCode, string(raw)
}

// Whose role is in a project is let in where the operation is about projects: what it is about is looked at by the native
// operations, which have a test of their own.
func TestEveryRoleMayWhatTheDocsSayOnEveryRouteOfADialect(t *testing.T) {
	w := newWorld(t)
	permissions := documented(t)
	for _, role := range roles {
		for _, project := range []string{"", "shop", "other"} {
			token := w.tokenFor(grant(role, project))
			for operation, needs := range dialectOperations(t) {
				p, ok := permissions[needs]
				require.True(t, ok, "%s needs %s, which docs/access.md does not have", operation, needs)
				before := w.commands()
				status, said := w.tryInDialect(operation, token)
				what := role + " in " + project + ": " + operation + ": " + said
				switch {
				case !p.has[role], project != "" && p.about == "the installation":
					require.Equal(t, http.StatusForbidden, status, what)
				case project == "":
					require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status, what)
				default:
					require.NotEqual(t, http.StatusUnauthorized, status, what)
				}
				if project == "other" {
					require.NotContains(t, said, w.deployment, what)
					require.Equal(t, before, w.commands(), what)
				}
			}
		}
	}
}

func TestNobodyGetsIntoADialectWithoutACredentialOrARole(t *testing.T) {
	w := newWorld(t)
	_, err := w.storedTokens().Put(t.Context(), digest([]byte("slw_guest")), map[string]any{"id": "x", "name": "guest"})
	require.NoError(t, err)
	for operation := range dialectOperations(t) {
		for token, want := range map[string]int{"": http.StatusUnauthorized, "slw_nobody": http.StatusUnauthorized, "slw_guest": http.StatusForbidden} {
			status, _ := w.tryInDialect(operation, token)
			require.Equal(t, want, status, "%s as %q", operation, token)
		}
	}
}
