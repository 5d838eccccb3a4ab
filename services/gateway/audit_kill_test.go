package gateway_test

import (
	"fmt"
	"os/exec"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestNothingIsChangedUnrecordedByAGatewayThatIsKilled(t *testing.T) {
	f := &fixture{TB: t, client: held(t, nil), broker: bustest.StartListening(t)}
	config.Defaults(&f.cfg)
	f.cfg.NATS.URL = f.broker.URL()
	f.openBus()
	var err error
	f.token, _, err = gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop())
	require.NoError(t, err)
	_, f.url = f.startProcess() // this one stays, and writes meanwhile
	const kills, clients, enough = 3, 4, 15
	var mu sync.Mutex
	answered := map[string]bool{}
	for kill := range kills {
		process, url := f.startProcess()
		reached := make(chan struct{})
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				for n := 0; ; n++ {
					name := fmt.Sprintf("k%d-%d-%d", kill, c, n)
					res, err := f.try(request{method: "POST", path: "/v1/servers", url: url, body: web(name)})
					if err != nil { // it was killed
						return
					}
					if res.StatusCode == 201 { // a part may have had no time for it
						mu.Lock()
						answered[res.id()] = true
						mu.Unlock()
					}
					if c == 0 && n == enough {
						close(reached)
					}
				}
			})
		}
		all.Go(func() {
			for n := range enough {
				f.post("/v1/servers", web(fmt.Sprintf("s%d-%d", kill, n))).is(201)
			}
		})
		<-reached
		f.killed(process)
		all.Wait()
	}
	asked := map[string]int{}
	for _, e := range f.audited() {
		if e.Outcome == audit.Asked {
			asked[e.Object.ID]++
		}
	}
	for id := range answered {
		require.Equal(t, 1, asked[id], "%s was accepted", id)
	}
	servers := f.pages("/v1/servers?limit=500", "id")
	require.GreaterOrEqual(t, len(servers), len(answered))
	for _, id := range servers {
		require.Equal(t, 1, asked[id], "%s is there", id)
	}
}

func (f *fixture) killed(process *exec.Cmd) {
	f.Helper()
	require.NoError(f, process.Process.Kill())
	_ = process.Wait()
}

func TestAFloodOfRefusedCallsIsCounted(t *testing.T) {
	f := start(t)
	service, err := gateway.New(f.cfg, zerolog.New(f.log), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	stop := lifecycletest.Start(t, service.Run)
	const clients, each = 8, 100
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				res, err := f.try(request{method: "DELETE", path: "/v1/servers/x", url: "http://" + service.Addr(), anonymous: true})
				if err != nil || res.StatusCode != 401 {
					t.Errorf("%v", err)
				}
			}
		})
	}
	all.Wait()
	stop()
	entries, calls := 0, 0
	for _, e := range f.audited() {
		if e.Action == "tokens.bootstrap" {
			continue
		}
		require.Equal(t, "servers.delete", e.Action)
		entries++
		calls += max(e.Count, 1)
	}
	require.Equal(t, clients*each, calls, "each is counted")
	require.LessOrEqual(t, entries, 20, "and few are entries of their own")
}
