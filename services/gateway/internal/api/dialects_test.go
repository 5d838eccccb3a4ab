package api

import (
	"cmp"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

func TestTheRoutesOfADialectAreThoseOfItsDocument(t *testing.T) {
	for _, d := range spoken(Speech{}) {
		text, err := os.ReadFile("../../../../api-specs/dialects/" + d.Name + ".yaml")
		require.NoError(t, err)
		var document struct {
			Servers []struct{ URL string }
			Paths   map[string]map[string]operation
		}
		require.NoError(t, yaml.Unmarshal(text, &document))
		require.Equal(t, "/compat/"+d.Name, document.Servers[0].URL)
		var promised, served []string
		for path, item := range document.Paths {
			for method, op := range item {
				promised = append(promised, strings.ToUpper(method)+" "+path+" "+string(op.Permission))
			}
		}
		for _, r := range d.Routes {
			served = append(served, r.Method+" "+cmp.Or(pathParameter.ReplaceAllString(r.Path, "{$1}"), "/")+" "+string(r.Needs))
		}
		require.ElementsMatch(t, promised, served)
	}
}

func TestEveryRouteOfADialectNeedsAPermissionAndHasAnAction(t *testing.T) {
	names := map[string]bool{}
	for _, act := range actions {
		names[act.name] = true
	}
	for _, tr := range translations(Speech{}) {
		require.True(t, tr.route.needs.Known(), tr.route.path)
		require.NotNil(t, tr.dialect.Refuse)
		require.NotNil(t, tr.dialect.Credential)
		require.Regexp(t, `^`+tr.dialect.Name+`\.[a-z_]+$`, tr.spoken.Action)
		require.False(t, names[tr.spoken.Action], tr.spoken.Action)
		names[tr.spoken.Action] = true
		require.Equal(t, tr.spoken.Action, tr.route.action().name)
		require.Equal(t, tr.spoken.Itself, tr.route.changes(), "else native operations do, and are recorded")
		require.Equal(t, tr.route.method != http.MethodGet && !tr.spoken.Itself, tr.route.translates())
	}
}

func TestWhatIsServedAtTheRootIsServedWithASlashToo(t *testing.T) {
	e := echo.New()
	(&API{}).speak(e)
	served := map[string]bool{}
	for _, r := range e.Routes() {
		served[r.Method+" "+r.Path] = true
	}
	roots := 0
	for _, s := range translations(Speech{}) {
		if s.spoken.AtRoot {
			roots++
			require.True(t, served[s.route.method+" "+s.spoken.Path], s.spoken.Path)
			require.True(t, served[s.route.method+" "+s.spoken.Path+"/"], s.spoken.Path)
		}
	}
	require.Equal(t, 3, roots)
}
