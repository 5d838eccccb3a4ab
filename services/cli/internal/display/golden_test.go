package display

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// golden holds lines against the file of this name.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// after is so many milliseconds after noon.
func after(ms int) *time.Time {
	t := noon.Add(time.Duration(ms) * time.Millisecond)
	return &t
}

// step is one that began at once and ended, if it did, a second later.
func step(name string, s client.State) client.Step {
	made := client.Step{Step: name, State: s, StartedAt: noon}
	if s.Ended() {
		made.EndedAt = after(1000)
	}
	return made
}

func steps(done ...string) []client.Step {
	var all []client.Step
	for _, name := range done {
		all = append(all, step(name, client.Succeeded))
	}
	return all
}

// fleet is a deployment with a host in every state.
func fleet() View {
	started := noon
	targets := []client.Target{
		{Name: "web-1", State: client.Succeeded, Step: "clean", Steps: steps("connect", "stage", "switch", "clean"), StartedAt: &started,
			EndedAt: after(3140), Previous: "1.4.1", Release: "1.4.2", Changed: true},
		{Name: "web-2", State: client.Running, Attempt: 1, Step: "stage", DoneBytes: 12_300_000, TotalBytes: 20_000_000,
			Steps: append(steps("connect"), step("stage", client.Running)), StartedAt: &started},
		{Name: "web-3", State: client.Failed, Step: "connect", Steps: []client.Step{step("connect", client.Failed)}, StartedAt: &started,
			EndedAt: after(80), Failure: &client.Failure{Code: "host_key_changed", Reason: "the host showed another key than the one stored"}},
		{Name: "web-4", State: client.Succeeded, Steps: steps("connect", "stage", "switch", "clean"), StartedAt: &started,
			EndedAt: after(900), Release: "1.4.2", Previous: "1.4.2"},
		{Name: "database-with-a-long-name.example.com", State: client.Running, Attempt: 2, Step: "switch",
			Steps: append(steps("connect", "stage"), step("switch", client.Running)), StartedAt: after(-95_000)},
		{Name: "web-6", State: client.Pending},
		{Name: "web-7", State: client.Pending, Wave: 1},
		{Name: "web-8", State: client.Skipped, Wave: 1},
	}
	for i := range targets {
		targets[i].Server = string(rune('a' + i))
		targets[i].Target = i
	}
	return View{
		Deployment: client.Deployment{
			ID: "d3v5k1jq0s9c73000001", Kind: client.KindDeploy, Application: "shop", Version: "1.4.2", Path: "apps/shop", Actor: "ci",
			State: client.Running, Targets: len(targets), Waves: 2, AcceptedAt: noon.Add(-100 * time.Second),
			Counts: client.Counts{Pending: 2, Running: 2, Succeeded: 2, Failed: 1, Skipped: 1},
		},
		Targets: targets,
		Now:     noon.Add(4 * time.Second),
	}
}
