package client_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestStructsHoldWhatOpenAPISays(t *testing.T) {
	spec := apitest.OpenAPI()
	for schema, of := range map[string]any{
		"Identity":           client.Identity{},
		"Grant":              client.Grant{},
		"Token":              client.Token{},
		"TokenCreate":        client.TokenCreate{},
		"Server":             client.Server{},
		"ServerCreate":       client.ServerCreate{},
		"Credential":         client.Credential{},
		"ServerList":         client.ServerList{},
		"ServersImported":    client.ServersImported{},
		"ImportedServer":     client.ImportedServer{},
		"KnownHosts":         client.KnownHosts{},
		"KnownHostsImported": client.KnownHostsImported{},
		"KnownHostsServer":   client.KnownHostsServer{},
		"Group":              client.Group{},
		"GroupCreate":        client.GroupCreate{},
		"ProjectItem":        client.ProjectItem{},
		"ProjectItemCreate":  client.ProjectItemCreate{},
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
		"InitCreate":         client.InitCreate{},
		"Approval":           client.Approval{},
		"Plan":               client.Plan{},
		"PlannedWave":        client.PlannedWave{},
		"Approve":            client.Control{},
		"Controlled":         client.Controlled{},
		"Skip":               client.Skip{},
		"Calendar":           client.Calendar{},
		"Timeouts":           client.Timeouts{},
		"Lock":               client.Lock{},
		"Health":             client.Health{},
		"ModeHealth":         client.ModeHealth{},
		"Service":            client.Service{},
		"Replica":            client.Replica{},
		"ReplicaActivity":    client.ReplicaActivity{},
		"Endpoint":           client.Endpoint{},
		"ServiceEvent":       client.ServiceEvent{},
		"Placement":          client.Placement{},
		"Statistics":         client.Statistics{},
		"Summary":            client.Summary{},
		"DayOutcomes":        client.DayOutcomes{},
		"Outcomes":           client.Outcomes{},
		"HostOutcomes":       client.HostOutcomes{},
		"Percentiles":        client.Percentiles{},
		"History":            client.History{},
		"SetAside":           client.SetAside{},
		"Slots":              client.Slots{},
		"Slot":               client.Slot{},
		"Counts":             client.Counts{},
		"Target":             client.Target{},
		"TargetStep":         client.Step{},
		"Failure":            client.Failure{},
		"ServerReleases":     client.ServerReleases{},
		"Release":            client.Release{},
		"ServerLog":          client.ServerLog{},
		"OutputLine":         client.OutputLine{},
		"Problem":            client.Problem{},
		"Webhook":            client.Webhook{},
		"WebhookCreate":      client.WebhookCreate{},
		"Delivery":           client.Delivery{},
		"AuditEntry":         audit.Entry{},
		"AuditActor":         audit.Actor{},
		"AuditObject":        audit.Object{},

		"ApplicationList":      client.ApplicationList{},
		"ApplicationsImported": client.ApplicationsImported{},
		"ImportedApplication":  client.ImportedApplication{},
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
