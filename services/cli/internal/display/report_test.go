package display

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
)

func TestReports(t *testing.T) {
	v := fleet()
	v.Targets[0].Name = "evil\x1b[31m\n"
	v.Targets[2].Failure.Reason = "the host said\r\x1b[2K: all is well"
	ended := v.Deployment
	ended.State, ended.EndedAt = client.Failed, after(0)
	hostile := "x\x1b[1m\u009b"
	servers := []client.Server{
		{ID: "d3v5k1jq0s9c73000001", Name: "web-1", Address: "192.0.2.7", Port: 22, User: "deploy", CredentialKind: "private_key",
			HostKey: "ssh-ed25519 AAAA\nssh-rsa BBBB", HostKeyFingerprint: "SHA256:one\nSHA256:two", Labels: map[string]string{"role": "web", "env": "prod"},
			CreatedAt: noon, UpdatedAt: noon},
		{ID: "d3v5k1jq0s9c73000002", Name: "東京", Address: "2001:db8::7", Port: 2222, User: hostile, CredentialKind: "agent", FirstContact: true},
		{ID: "d3v5k1jq0s9c73000003", Name: hostile, Address: hostile, Port: 1, User: "u", CredentialKind: "password", Labels: map[string]string{"a": hostile}},
	}
	some, none := 10, 0
	for name, lines := range map[string][]string{
		"status":      Status(ended, v.Targets, v.Now, false),
		"deployments": Deployments([]client.Deployment{ended, v.Deployment}, v.Now, false),
		"failures":    append([]string{Summary(ended, false), ""}, Failures(v.Targets, false)...),
		"plan": Plan(client.Plan{
			Application: "shop", Version: "1.4.2", Path: "apps/shop", Digest: "9f86d081884c7d65", Targets: 1200, WaveCount: 3,
			Project: "checkout", ProgressDeadline: "10m0s", WhenBusy: "refuse", Timeouts: &client.Timeouts{Host: "30m0s", Step: "10m0s"},
			Calendar: &client.Calendar{
				Zone: "Europe/Berlin", Except: []string{"2026-12-24", "2026-12-25"},
				Windows: []client.Window{{Days: []string{"mon", "tue"}, From: "22:00", To: "06:00"}, {Days: []string{"sat"}, From: "08:00", To: "12:00"}},
			},
			Strategy: client.Strategy{
				Type: "canary", First: "1", Batch: "50%", Pause: "30s", Hold: "2h0m0s", MaxParallel: 100, MinHealthy: "25%", OrderBy: "rack",
				Analysis: &client.Analysis{Interval: "30s", Successes: &some, Failures: &none, Inconclusive: &some, Checks: []client.Check{
					{Name: "errors", Prometheus: &client.PrometheusCheck{Query: "sum(\n\terrors\n)", Expect: "< 0.01", Absent: "pass", URL: "http://prometheus:9090"}},
					{Name: hostile, HTTP: &client.HTTPCheck{URL: "https://shop/health", Method: "GET", Status: "200-299", Body: "{{version}}", Matches: "ok|fine", Timeout: "10s"}},
				}},
			},
			Failures: client.Failures{Total: "5%", Batch: "2", Then: "pause", Unreachable: "skip"}, Steps: []string{"connect", "stage"},
			Waves: []client.PlannedWave{
				{Wave: 0, Targets: 1, Servers: []client.PlannedServer{{Name: "web-1"}}},
				{Wave: 1, Targets: 600, Servers: []client.PlannedServer{{Name: "web-2"}, {Name: hostile}}},
			},
		}, false),
		"plan-blue-green": Plan(client.Plan{
			Application: "shop", Version: "1.4.2", Path: "apps/shop", Digest: "9f86d081884c7d65", Targets: 3, WaveCount: 3, ProgressDeadline: "10m0s", WhenBusy: "wait",
			Strategy: client.Strategy{Type: "blueGreen", MaxParallel: 100, BlueGreen: client.BlueGreen{
				Label: "color", To: "green", Keep: "30m0s", Retire: &client.Retire{Command: "systemctl stop\n  shop"},
				Traffic: &client.Traffic{Servers: []string{"lb-1"}, HAProxy: &client.HAProxy{Socket: "/run/haproxy/admin.sock", Backend: "shop"}},
			}},
			Failures: client.Failures{Total: "0", Then: "rollback"}, Steps: []string{"connect", "stage", "switch", "clean"},
			Waves: []client.PlannedWave{
				{Wave: 0, Targets: 1, Role: "new", Steps: []string{"connect", "stage", "switch", "clean"}, Servers: []client.PlannedServer{{Name: "web-2"}}},
				{Wave: 1, Targets: 1, Role: "balancer", Steps: []string{"connect", "traffic"}, Servers: []client.PlannedServer{{Name: "lb-1"}}},
				{Wave: 2, Targets: 1, Role: "old", Steps: []string{"connect", "retire"}, Servers: []client.PlannedServer{{Name: "web-1"}}},
			},
		}, false),
		"servers": Servers(servers, false),
		"server":  Server(servers[0], ""),
		"packages": Packages([]client.Package{
			{ID: "d3v5k1jq0s9c73000001", Application: "shop", Version: "1.4.2", Filename: "shop.tar.gz", Format: "tar.gz", Size: 20_000_000,
				SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", CreatedAt: noon},
			{Filename: hostile, SHA256: "short"},
		}, false),
		"locks": Locks(client.Locks{
			Items: []client.Lock{
				{Server: "d3v5k1jq0s9c73000001", Name: hostile, Deployment: "d3v5k1jq0s9c73000011", Waiting: []string{"d3v5k1jq0s9c73000012", "d3v5k1jq0s9c73000013"}},
				{Server: "d3v5k1jq0s9c73000002", Deployment: "d3v5k1jq0s9c73000011"},
			},
			Slots: client.Slots{
				Project: 1, Holders: []client.Slot{{Deployment: "d3v5k1jq0s9c73000011", Project: "checkout", Since: noon}},
				Waiting: []client.Slot{{Deployment: "d3v5k1jq0s9c73000012", Project: "checkout", Since: noon.Add(time.Minute)}},
			},
		}, noon.Add(2*time.Minute), false),
		"releases": Releases([]client.ServerReleases{
			{Name: "web-1", Current: "1.4.2", Intact: true, Previous: "1.4.1", Releases: []client.Release{{Version: "1.4.1"}, {Version: "1.4.2"}}},
			{Name: "web-2", Current: "1.4.2"},
			{Name: "web-3"},
			{Name: hostile, Failure: &client.Failure{Code: "unreachable", Reason: hostile}},
		}, false),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, lines) })
	}
}

func TestChanges(t *testing.T) {
	v := fleet()
	differ := follow.Differ{}
	var lines []string
	for _, c := range differ.Changes(follow.Snapshot{Deployment: v.Deployment, Targets: v.Targets}) {
		lines = append(lines, Change(c))
	}
	golden(t, "changes", lines)
}

func TestWhyADeploymentStandsWhereItDoes(t *testing.T) {
	for want, d := range map[string]client.Deployment{
		"": {State: client.Running},
		"awaiting approval: until 2026-07-01 12:01:00, digest d1":                           {State: client.AwaitingApproval, Digest: "d1", Until: after(60_000)},
		"scheduled: begins 2026-07-01 12:01:00":                                             {State: client.Scheduled, Until: after(60_000)},
		"paused: more hosts failed than may":                                                {State: client.Paused, Cause: "budget_spent"},
		"paused: 3 of 4 hosts failed":                                                       {State: client.Paused, Cause: "budget_spent", Reason: "3 of 4 hosts failed"},
		"paused: lunch, by anna":                                                            {State: client.Paused, Cause: "paused_by_person", Reason: "lunch", By: "anna"},
		"stopping: by anna":                                                                 {State: client.Stopping, Cause: "cancelled", By: "anna"},
		"running: the pause between two waves, until 2026-07-01 12:01:00":                   {State: client.Running, Cause: "between_waves", Until: after(60_000)},
		"waiting: as many deployments as may be are under way":                              {State: client.Waiting, Cause: "limit"},
		"scheduled: outside the hours in which hosts may begin, begins 2026-07-01 12:01:00": {State: client.Scheduled, Cause: "window", Until: after(60_000)},
		"running: outside the hours in which hosts may begin, until 2026-07-01 12:01:00":    {State: client.Running, Cause: "window", Until: after(60_000)},
		"analyzing: 1 of 3 passed, measured again 2026-07-01 12:01:00":                      {State: client.Analyzing, Cause: "canary", Reason: "1 of 3 passed", Until: after(60_000)},
		"reverting: more hosts failed than may, by d2":                                      {State: client.Reverting, Cause: "budget_spent", RolledBackBy: "d2"},
		"running: no host has told anything for long":                                       {State: client.Running, Cause: "no_progress"},
		"holding: some new cause":                                                           {State: client.Holding, Cause: "some_new_cause"},
	} {
		require.Equal(t, want, held(d))
	}
}

func TestASummaryOfACancelledDeployment(t *testing.T) {
	d := fleet().Deployment
	d.State, d.EndedAt, d.Counts = client.Cancelled, after(0), client.Counts{Succeeded: 3, Cancelled: 5}
	d.Cause, d.By = "cancelled", "anna"
	require.Equal(t, "– shop 1.4.2: 3 done, 5 cancelled in 1m40s: cancelled: by anna", Summary(d, false))
}

func TestNoFailuresAreNoTable(t *testing.T) {
	require.Nil(t, Failures([]client.Target{{State: client.Succeeded}, {State: client.Skipped}}, false))
}

func TestWhoFailedInAStepOfTheUsersOwnIsWhereToLook(t *testing.T) {
	d := client.Deployment{ID: "d1"}
	require.Nil(t, WhereToLook(d, []client.Target{
		{Name: "a", State: client.Succeeded, Step: "check"}, {Name: "b", State: client.Failed, Step: "stage"}, {Name: "c", State: client.Failed},
	}))
	require.Equal(t, []string{"'slipway output d1 --on w\\n --step check' shows what was said there."}, WhereToLook(d, []client.Target{
		{Name: "b", State: client.Failed, Step: "switch"}, {Name: "w\n", State: client.Failed, Step: "check"},
	}))
}

func TestASummaryOfSuccess(t *testing.T) {
	d := fleet().Deployment
	d.State, d.EndedAt, d.Counts = client.Succeeded, after(int(31*time.Second/time.Millisecond)), client.Counts{Succeeded: 8}
	require.Equal(t, "✓ shop 1.4.2: 8 done in 2m11s", Summary(d, false))
}
