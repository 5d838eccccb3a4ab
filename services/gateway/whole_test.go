package gateway_test

import (
	"bytes"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// buildHistory builds slipway-history and returns the path of the binary.
var buildHistory = sync.OnceValues(func() (binary string, err error) {
	return proctest.Build("fuzz", "services/history", "./cmd/slipway-history")
})

// newWholeWorld is newWorld where nobody is missing: history is the real one, a process on a store of its own, and executors
// answer of every zone.
func newWholeWorld(t *testing.T, configure ...func(*gateway.Config)) *world {
	t.Helper()
	f := prepareOn(t, bustest.StartListening(t), append(configure, withWebhooks(t), unlimited)...)
	f.begins()
	w := &world{fixture: f, deployment: "d3v5k1jq0s9c73a1b2c0"}
	f.runHistory()
	f.withScheduler().stand(w.deployment, "running")
	f.withExecutors()
	f.serve("scheduler")
	f.serve("executor")
	f.eventually(func() bool { return f.get("/readyz").StatusCode == 200 }, "it does not get ready")

	planned := contract.PlannedTarget{Host: "d3v5k1jq0s9c73a1b2h0", Name: "web-1"}
	f.tellOf("shop", w.deployment, "", contract.AcceptedEvent{
		Kind: "deploy", Application: "shop", Version: "1", Package: "d3v5k1jq0s9c73a1b2p0", Path: "/srv/shop", Actor: "ci", Targets: 1, Waves: 1, AcceptedAt: time.Now().UTC(), Strategy: "all",
	})
	f.tellOf("shop", w.deployment, "", contract.PlannedEvent{Targets: []contract.PlannedTarget{planned}})
	f.tellOf("shop", w.deployment, "d3v5k1jq0s9c73a1b2h0", contract.JobEndedEvent{State: "succeeded", Release: "1", Changed: true})
	f.tellOf("shop", w.deployment, "", contract.ConcludedEvent{State: "succeeded"})
	f.eventually(func() bool {
		d := f.get("/v1/deployments/" + w.deployment)
		return d.StatusCode == 200 && d.object()["state"] == "succeeded"
	}, "history does not know the deployment")
	w.renew()
	return w
}

// runHistory runs a history of its own until the test ends.
func (f *fixture) runHistory() {
	f.Helper()
	binary, err := buildHistory()
	require.NoError(f, err)
	store := storetest.Start(f)
	var said bytes.Buffer
	cmd := exec.Command(binary, "--nats-url", f.broker.URL(), "--store-uri", store.URI, "--store-database", store.Database, "--store-single-writer",
		"--log-level", "warn", "--observe-listen", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = &said, &said
	child, err := proctest.Start(cmd)
	require.NoError(f, err)
	f.Cleanup(func() {
		child.Kill()
		if f.Failed() {
			f.Log(said.String())
		}
	})
}

// withExecutors answers of every zone what servers hold: nothing.
func (f *fixture) withExecutors() {
	f.Helper()
	f.respond(contract.ReleasesSubject("*"), func(m contract.Message) contract.Body {
		var rows contract.Releases
		for _, target := range m.Body.(contract.Inspect).Targets {
			rows.Hosts = append(rows.Hosts, contract.HostReleases{Host: target.Host})
		}
		return rows
	})
	f.respond(contract.LogsSubject("*"), func(m contract.Message) contract.Body {
		var rows contract.Logs
		for _, target := range m.Body.(contract.TailLogs).Targets {
			rows.Hosts = append(rows.Hosts, contract.HostLog{Host: target.Host})
		}
		return rows
	})
}
