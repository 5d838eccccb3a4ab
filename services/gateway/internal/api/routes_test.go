package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

const specFile = "../../../../api-specs/openapi.yaml"

type operation struct {
	Security    []any             `yaml:"security"`
	Permission  access.Permission `yaml:"x-permission"`
	RequestBody struct {
		Content map[string]any `yaml:"content"`
	} `yaml:"requestBody"`
}

type specification struct {
	Paths      map[string]map[string]any `yaml:"paths"`
	Components struct {
		Schemas map[string]struct {
			Description string   `yaml:"description"`
			Enum        []string `yaml:"enum"`
			Items       struct {
				Enum []string `yaml:"enum"`
			} `yaml:"items"`
			Properties map[string]struct {
				Enum []string `yaml:"enum"`
			} `yaml:"properties"`
		} `yaml:"schemas"`
	} `yaml:"components"`
}

func readSpec(t *testing.T) specification {
	t.Helper()
	text, err := os.ReadFile(specFile)
	require.NoError(t, err)
	var s specification
	require.NoError(t, yaml.Unmarshal(text, &s))
	return s
}

func TestTheRoutesAreThoseOfTheSpecification(t *testing.T) {
	spec := readSpec(t)
	var promised, served []string
	for path, item := range spec.Paths {
		for method := range item {
			if method != "parameters" {
				promised = append(promised, strings.ToUpper(method)+" "+path)
			}
		}
	}
	parameter := regexp.MustCompile(`:(\w+)`)
	for _, r := range routes {
		served = append(served, r.method+" "+parameter.ReplaceAllString(r.path, "{$1}"))
	}
	require.ElementsMatch(t, promised, served)
}

func TestTheRoutesTakeTheBodiesAndNeedTheTokensOfTheSpecification(t *testing.T) {
	spec := readSpec(t)
	media := map[content][]string{
		noBody: nil, jsonBody: {mediaJSON}, jsonOrNone: {mediaJSON},
		patchBody: {mediaJSON, mediaPatch}, uploadBody: {mediaJSON, mediaUpload},
	}
	for _, r := range routes {
		raw, err := yaml.Marshal(spec.Paths[regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.path, "{$1}")][strings.ToLower(r.method)])
		require.NoError(t, err)
		var op operation
		require.NoError(t, yaml.Unmarshal(raw, &op))
		var promised []string
		for m := range op.RequestBody.Content {
			promised = append(promised, m)
		}
		require.ElementsMatch(t, media[r.body], promised, "%s %s", r.method, r.path)
		require.Equal(t, r.needs == public, op.Security != nil, "%s %s", r.method, r.path)
		require.Equal(t, r.needs, op.Permission, "%s %s", r.method, r.path)
	}
}

func TestEveryRouteNeedsAPermissionThatThereIs(t *testing.T) {
	open := []string{"/healthz", "/readyz", "/reference", "/openapi.yaml"}
	needed := map[access.Permission]bool{}
	for _, r := range routes {
		require.Equal(t, slices.Contains(open, r.path), r.needs == public, "%s %s", r.method, r.path)
		require.True(t, r.needs == public || r.needs.Known(), "%s %s", r.method, r.path)
		needed[r.needs] = true
		if r.ofDeployment() {
			require.Equal(t, access.PerProject, r.needs.Reach(), "%s %s", r.method, r.path)
		}
	}
	for _, rule := range access.Rules() {
		require.True(t, needed[rule.Permission], "no route needs %s", rule.Permission)
	}
}

func TestAHandlerThatOverlooksTheProjectAnswersNobody(t *testing.T) {
	r := route{http.MethodGet, "/x", access.DeploymentsRead, noBody, forBroker, func(*API, *call) (answer, error) { return ok("all there is") }}
	limited := &call{needs: r.needs, caller: access.Caller{Grants: access.Grants{{Role: access.Viewer, Project: "shop"}}}}
	got, err := r.perform(nil, limited)
	require.ErrorIs(t, err, errOverlooked)
	require.Empty(t, got)
	_, err = r.perform(nil, &call{needs: r.needs, caller: access.Caller{Grants: access.Grants{{Role: access.Viewer}}}})
	require.NoError(t, err)
}

func TestEveryCodeIsInTheSpecification(t *testing.T) {
	spec := readSpec(t)
	var known []string
	for c := range kinds {
		known = append(known, string(c))
	}
	require.ElementsMatch(t, spec.Components.Schemas["Problem"].Properties["code"].Enum, known)
}

func TestTheLegacyAlgorithmsAreThoseOfTheSpecification(t *testing.T) {
	require.ElementsMatch(t, readSpec(t).Components.Schemas["LegacyAlgorithms"].Items.Enum, inventory.LegacyAlgorithms())
}

func TestEveryFailureAndStepIsInTheSpecification(t *testing.T) {
	spec := readSpec(t)
	source, err := os.ReadFile("../../../../libs/contract/failure.go")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`Fail\w+\s*= "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		require.Contains(t, spec.Components.Schemas["FailureCode"].Description, "| "+m[1]+" |")
	}
	for _, kind := range []deploy.Kind{deploy.KindDeploy, deploy.KindRollback, deploy.KindTraffic, deploy.KindRetire} {
		var steps []string
		for _, s := range kind.Steps(deploy.Work{Before: true, During: true, After: true, Prepare: true, Restart: true, Check: true}) {
			steps = append(steps, string(s))
		}
		require.Contains(t, spec.Components.Schemas["Step"].Description, fmt.Sprintf("%s: %s", kind, strings.Join(steps, ", ")))
	}
	require.Equal(t, 1, contract.Version)
}

func TestEveryStateAndCauseIsInTheSpecification(t *testing.T) {
	spec := readSpec(t)
	require.ElementsMatch(t, spec.Components.Schemas["DeploymentState"].Enum, deploymentStates)
	require.ElementsMatch(t, spec.Components.Schemas["TargetState"].Enum, targetStates)
	for _, state := range deploymentStates {
		require.Contains(t, spec.Components.Schemas["DeploymentState"].Description, "| "+state+" |")
	}
	source, err := os.ReadFile("../../../../libs/deploy/state.go")
	require.NoError(t, err)
	causes := regexp.MustCompile(`\sCause\w+\s+Cause = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	require.NotEmpty(t, causes)
	for _, m := range causes {
		require.Contains(t, spec.Components.Schemas["Cause"].Description, "| "+m[1]+" |")
	}
	var kinds []string
	for _, k := range deploy.StrategyKinds() {
		kinds = append(kinds, string(k))
	}
	require.ElementsMatch(t, spec.Components.Schemas["StrategyType"].Enum, kinds)
}

// quickLimits are enough for tests that ask nobody.
var quickLimits = Limits{Broker: 1e9, Query: 1e9, Inspect: 1e9, JSON: 1 << 10, Read: 1e9, Write: 1e9, Idle: 1e9}

func TestAPanicIsAProblemThatTellsNothing(t *testing.T) {
	var log strings.Builder
	a := &API{Limits: quickLimits, Log: zerolog.New(&log)}
	h := a.handler([]route{{http.MethodGet, "/x", public, noBody, forBroker, func(*API, *call) (answer, error) {
		panic("a secret value")
	}}})
	res := httptest.NewRecorder()
	h.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil))
	require.Equal(t, 500, res.Code)
	require.Equal(t, mediaProblem, res.Header().Get("Content-Type"))
	require.Contains(t, res.Body.String(), `"code":"internal_error"`)
	require.NotContains(t, res.Body.String()+log.String(), "a secret value")
	require.Contains(t, log.String(), "routes_test.go", "the log says where")
	require.Contains(t, log.String(), `"status":500`)
}

func TestAnUnknownErrorTellsNothing(t *testing.T) {
	a := &API{Limits: quickLimits, Log: zerolog.Nop()}
	h := a.handler([]route{{http.MethodGet, "/x", public, noBody, forBroker, func(*API, *call) (answer, error) {
		return answer{}, fmt.Errorf("a secret value")
	}}})
	res := httptest.NewRecorder()
	h.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil))
	require.Equal(t, 500, res.Code)
	require.NotContains(t, res.Body.String(), "a secret value")
}

func TestEveryCauseHasAKindOfItsOwnStatus(t *testing.T) {
	for _, c := range causes {
		p := problemOf(fmt.Errorf("wrapped: %w", c.err))
		require.Equal(t, c.code, p.code)
		require.NotZero(t, p.status())
	}
	for c, kind := range kinds {
		require.NotEmpty(t, kind.title, c)
		require.NotEmpty(t, hints[c], "what helps with %s", c)
		require.True(t, slices.Contains([]int{400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 500, 503}, kind.status))
	}
	require.Len(t, hints, len(kinds))
	require.Equal(t, codeMismatch, problemOf(idempotency.ErrMismatch).code)
}

func TestEveryRouteHasAnActionOfItsOwn(t *testing.T) {
	served, names := map[string]bool{}, map[string]bool{}
	for _, r := range routes {
		route := r.method + " " + r.path
		served[route] = true
		if r.needs == public {
			require.Contains(t, []string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.method, "%s would change something, and nobody would know who asked", route)
			continue
		}
		act, ok := actions[route]
		require.True(t, ok, "%s has no name in the audit log", route)
		require.Regexp(t, `^[a-z]+\.[a-z_]+$`, act.name)
		require.False(t, names[act.name], "%s is the name of two routes", act.name)
		names[act.name] = true
		require.Equal(t, act.name, r.action().name)
		if act.id != "" {
			require.Contains(t, r.path+"/", ":"+act.id+"/", route)
		}
	}
	for route := range actions {
		require.True(t, served[route], "%s is no route", route)
	}
	require.ElementsMatch(t, readSpec(t).Components.Schemas["AuditOutcome"].Enum, auditOutcomes())
}
