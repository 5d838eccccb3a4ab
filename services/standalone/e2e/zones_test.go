package e2e

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// inZone is a server that only executors of the zone work on.
func inZone(zone string) spec { return spec{"labels": map[string]any{contract.LabelZone: zone}} }

// awaitJob waits until the job of a server is stored for the executors of a zone.
func awaitJob(t *testing.T, js jetstream.JetStream, zone, server string) {
	t.Helper()
	jobs, err := js.Stream(t.Context(), contract.StreamJobs)
	require.NoError(t, err)
	eventually(t, func() bool {
		_, err := jobs.GetLastMsgForSubject(t.Context(), contract.JobSubject(zone, server))
		return err == nil
	}, "no job for %s is stored in the zone %s", server, zone)
}

func TestAServerOfAZoneIsWorkedOnByTheExecutorsOfThatZoneAlone(t *testing.T) {
	t.Parallel()
	f := startFleet(t, fleetSize{schedulers: 1, executors: 1})
	js := openStreams(t, f.natsURL)
	hosts := hosttest.Start(t, 4)
	watch(t, hosts)
	names := f.addAll(t, hosts[:2])
	outside := map[string]string{} // id by name
	for _, h := range hosts[2:] {
		s := specOf(h)
		s["labels"] = inZone("dmz")["labels"]
		added := f.add(t, s)
		outside[added.Name] = added.ID
		names = append(names, added.Name)
	}
	f.uploadVersions(t, 1<<10, "v1", "v2", "v3")

	// Nobody is there for the zone: its servers wait, the others do not.
	first := f.deploy(t, order{Application: app, Version: "v1", Servers: names})
	for name, id := range outside {
		awaitJob(t, js, "dmz", id)
		require.Equal(t, "no_executor", f.releases(t, app, names...)[name].Failure.Code)
	}
	for _, name := range names[:2] {
		awaitTarget(t, f.client, first.ID, func(one target) bool { return one.Name == name && one.State == "succeeded" })
	}
	for name := range outside {
		require.Equal(t, "pending", f.targets(t, first.ID)[name].State)
	}

	dmz := f.newExecutor("--zones", "dmz")
	dmz.start()
	f.succeed(t, first.ID)
	requireExecutors := func(deployment string, others *process) {
		t.Helper()
		for name, one := range f.targets(t, deployment) {
			want := f.executors[0]
			if _, ok := outside[name]; ok {
				want = others
			}
			require.Equal(t, want.name, f.executorOf(one).name, "for %s", name)
		}
	}
	requireExecutors(first.ID, dmz)
	for _, held := range f.releases(t, app, names...) {
		require.Nil(t, held.Failure)
		require.Equal(t, "v1", held.Current)
	}

	// A label that names a zone without executors, and is mended: what was left
	// there is in nobody's way.
	for _, id := range outside {
		f.change(t, id, inZone("dzm"))
	}
	wrong := f.deploy(t, order{Application: app, Version: "v2", Servers: names[2:]})
	for _, id := range outside {
		awaitJob(t, js, "dzm", id)
	}
	f.control(t, wrong.ID, "cancel", map[string]string{"reason": "the wrong zone"})
	require.Equal(t, "cancelled", f.await(t, wrong.ID, patience).State)
	for _, id := range outside {
		f.change(t, id, inZone("dmz"))
	}
	second := f.deploy(t, order{Application: app, Version: "v2", Servers: names})
	f.succeed(t, second.ID)
	requireExecutors(second.ID, dmz)

	// Without the label, they are the other executor's.
	for _, id := range outside {
		f.change(t, id, spec{"labels": nil})
	}
	third := f.deploy(t, order{Application: app, Version: "v3", Servers: names})
	f.succeed(t, third.ID)
	requireExecutors(third.ID, f.executors[0])
	for _, h := range hosts {
		requireRuns(t, h, "v3")
	}
	awaitEmpty(t, js, contract.StreamJobs)
	checkStories(t, readEvents(t, js))
}
