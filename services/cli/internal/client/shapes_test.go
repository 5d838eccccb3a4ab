package client_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestStructsHoldWhatOpenAPISays(t *testing.T) {
	spec, err := apitest.LoadSpec()
	require.NoError(t, err)
	for schema, of := range map[string]any{
		"Identity":           client.Identity{},
		"Server":             client.Server{},
		"ServerCreate":       client.ServerCreate{},
		"Credential":         client.Credential{},
		"KnownHosts":         client.KnownHosts{},
		"KnownHostsImported": client.KnownHostsImported{},
		"KnownHostsServer":   client.KnownHostsServer{},
		"Package":            client.Package{},
		"PackageFetch":       client.PackageFetch{},
		"PackageReference":   client.PackageReference{},
		"PackageSource":      client.PackageSource{},
		"SourceCreate":       client.SourceCreate{},
		"URLSourceCreate":    client.URLSourceCreate{},
		"S3SourceCreate":     client.S3SourceCreate{},
		"GitSourceCreate":    client.GitSourceCreate{},
		"Deployment":         client.Deployment{},
		"DeploymentCreate":   client.DeploymentCreate{},
		"RollbackCreate":     client.RollbackCreate{},
		"RetryCreate":        client.RetryCreate{},
		"Strategy":           client.Strategy{},
		"Analysis":           client.Analysis{},
		"Check":              client.Check{},
		"PrometheusCheck":    client.PrometheusCheck{},
		"HTTPCheck":          client.HTTPCheck{},
		"Traffic":            client.Traffic{},
		"Failures":           client.Failures{},
		"Approval":           client.Approval{},
		"Plan":               client.Plan{},
		"PlannedWave":        client.PlannedWave{},
		"Approve":            client.Control{},
		"Controlled":         client.Controlled{},
		"Skip":               client.Skip{},
		"Calendar":           client.Calendar{},
		"Timeouts":           client.Timeouts{},
		"Lock":               client.Lock{},
		"Slots":              client.Slots{},
		"Slot":               client.Slot{},
		"Counts":             client.Counts{},
		"Target":             client.Target{},
		"TargetStep":         client.Step{},
		"Failure":            client.Failure{},
		"ServerReleases":     client.ServerReleases{},
		"Release":            client.Release{},
		"ServerLog":          client.ServerLog{},
		"Problem":            client.Problem{},
	} {
		t.Run(schema, func(t *testing.T) {
			require.Equal(t, spec.Properties(schema), jsonNames(reflect.TypeOf(of)))
		})
	}
}

func jsonNames(of reflect.Type) []string {
	var names []string
	for f := range of.Fields() {
		switch {
		case f.Anonymous:
			names = append(names, jsonNames(f.Type)...)
		case f.IsExported():
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
