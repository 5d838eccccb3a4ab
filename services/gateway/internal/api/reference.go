package api

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	apispecs "github.com/slipway-deploy/slipway/api-specs"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/reference"
)

const (
	mediaYAML = "application/yaml"
	mediaHTML = "text/html; charset=utf-8"
)

// referencePage is drawn once, for who asks first.
var referencePage = sync.OnceValues(func() (reference.Page, error) {
	var problems []reference.Problem
	for _, c := range sortedCodes() {
		problems = append(problems, reference.Problem{Code: string(c), Title: kinds[c].title, Hint: hints[c], Status: kinds[c].status})
	}
	var permissions []reference.Permission
	for _, r := range access.Rules() {
		p := reference.Permission{Name: string(r.Permission), For: r.For, Reach: r.Reach.String()}
		for _, role := range r.Roles {
			p.Roles = append(p.Roles, string(role))
		}
		permissions = append(permissions, p)
	}
	return reference.Draw(apispecs.OpenAPI, problems, permissions)
})

// sortedCodes returns all codes, by their status.
func sortedCodes() []code {
	return slices.SortedFunc(maps.Keys(kinds), func(a, b code) int {
		return cmp.Or(cmp.Compare(kinds[a].status, kinds[b].status), strings.Compare(string(a), string(b)))
	})
}

// showReference answers with the reference of this interface, for browsers. There is
// nothing in it that is not public, and a browser that follows a link has no credential.
func (a *API) showReference(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	page, err := referencePage()
	if err != nil {
		return answer{}, err
	}
	return shown(mediaHTML, page.HTML, map[string]string{"Content-Security-Policy": page.Policy}), nil
}

// showSpecification answers with openapi.yaml, as it is.
func (a *API) showSpecification(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	return shown(mediaYAML, apispecs.OpenAPI, nil), nil
}

// shown is an answer that is no JSON.
func shown(media string, body []byte, header map[string]string) answer {
	return answer{stream: func(c *call) {
		for name, value := range header {
			c.http.Response().Header().Set(name, value)
		}
		_ = c.http.Blob(http.StatusOK, media, body)
	}}
}
