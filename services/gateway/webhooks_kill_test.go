package gateway_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// webhooksKey is the variable that has a gateway in a process of its own carry webhooks with this key.
const webhooksKey = "SLIPWAY_TEST_WEBHOOKS_KEY"

// startProcess runs a gateway in a process of its own and returns where it listens.
func (f *fixture) startProcess(env ...string) (*exec.Cmd, string) {
	f.Helper()
	process := exec.CommandContext(f.Context(), os.Args[0])
	process.Env = append(os.Environ(), append(env, asGateway+"="+f.broker.URL())...)
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	require.NoError(f, err)
	require.NoError(f, process.Start())
	f.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(f, err)
	return process, "http://" + strings.TrimSpace(address)
}

// startBroker is start with gateways to come, in processes of their own, and the variable that has them carry webhooks.
func startBroker(t *testing.T) (f *fixture, carrying string) {
	t.Helper()
	f = &fixture{TB: t, client: held(t, nil), broker: bustest.StartListening(t)}
	config.Defaults(&f.cfg)
	f.cfg.NATS.URL = f.broker.URL()
	f.openBus()
	var err error
	f.token, _, err = gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop())
	require.NoError(t, err)
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	return f, webhooksKey + "=" + key.Reveal()
}

func TestWhatAReceiverHoldsUpIsCarriedOnByAnotherGateway(t *testing.T) {
	f, carrying := startBroker(t)
	release := make(chan struct{})
	hanging, quick := newReceiver(t, func(int, http.ResponseWriter, *http.Request) { <-release }), newReceiver(t, nil)
	var process *exec.Cmd
	process, f.url = f.startProcess(carrying)
	id, _ := f.hook(object{"url": hanging.URL})
	f.hook(object{"url": quick.URL})
	f.runs("d1")
	quick.await(len(course))
	f.eventually(func() bool {
		return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").column("id")) == len(course)
	}, "what waits is stored")
	f.runs("d2")
	quick.await(2 * len(course)) // some of what hangs may be in memory alone
	require.NoError(t, process.Process.Kill())
	_ = process.Wait()
	close(release)
	_, f.url = f.startProcess(carrying)
	for _, rc := range []*receiver{hanging, quick} {
		rc.awaitAll(2)
	}
	f.eventually(func() bool {
		return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").column("id")) == 0
	}, "nothing is left behind")
}

func TestAnotherGatewayCarriesOnWhenOneIsKilled(t *testing.T) {
	f, carrying := startBroker(t)
	receivers := []*receiver{newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)}
	// The gateway that delivers is killed in the midst of it, again and again; the next one is there already.
	var url string
	var process *exec.Cmd
	process, f.url = f.startProcess(carrying)
	for _, rc := range receivers {
		f.hook(object{"url": rc.URL})
	}
	const kills, each = 2, 60
	for kill := range kills {
		var next *exec.Cmd
		next, url = f.startProcess(carrying)
		before := len(receivers[0].got())
		for n := range each {
			f.runs(fmt.Sprintf("d%d-%d", kill, n))
		}
		receivers[0].await(before + 40)
		require.NoError(t, process.Process.Kill())
		_ = process.Wait()
		process, f.url = next, url
	}
	for _, rc := range receivers {
		rc.awaitAll(kills * each)
	}
}

// awaitAll waits until every event of so many deployments that succeeded has come, and checks that those of a deployment
// came in order, repeats directly after the first.
func (rc *receiver) awaitAll(deployments int) {
	rc.Helper()
	var came map[string][]string
	require.Eventually(rc, func() bool {
		came = map[string][]string{}
		whole := 0
		for _, p := range rc.got() {
			id := p.header.Get("webhook-id")
			at := strings.LastIndex(id, "-")
			came[id[:at]] = append(came[id[:at]], id)
		}
		for _, ids := range came {
			if len(slices.Compact(slices.Clone(ids))) >= len(course) {
				whole++
			}
		}
		return whole == deployments
	}, 2*patience, 50*time.Millisecond, "every event of %d deployments", deployments)
	for deployment, ids := range came {
		once := slices.Compact(slices.Clone(ids))
		require.Len(rc, once, len(course), "%s: %v", deployment, ids)
		var types []string
		for _, p := range rc.got() {
			if id := p.header.Get("webhook-id"); slices.Contains(once, id) {
				types = append(types, strings.TrimPrefix(p.event(rc)["type"].(string), "com.slipway."))
			}
		}
		require.Equal(rc, course, slices.Compact(types), deployment)
	}
}

// Nobody is told of anything meanwhile, so nothing says how far the gateways have come.
func TestWhatHappensWhileAllWebhooksAreDisabledIsNotSentByAnotherGateway(t *testing.T) {
	f, carrying := startBroker(t)
	rc := newReceiver(t, answering(http.StatusGone))
	var process *exec.Cmd
	process, f.url = f.startProcess(carrying)
	id, _ := f.hook(object{"url": rc.URL})
	f.runs("d1")
	f.stands(id, "disabled")
	f.eventually(func() bool {
		return len(f.get("/v1/webhooks/"+id+"/deliveries?state=dead").column("id")) == len(course)
	}, "what was under way is dead")
	before := len(rc.got())
	rc.behave(nil)
	require.NoError(t, process.Process.Kill())
	_ = process.Wait()
	_, f.url = f.startProcess(carrying)
	f.runs("meanwhile")
	f.post("/v1/webhooks/"+id+"/resume", nil).is(200)
	f.runs("d2")
	for _, p := range rc.await(before + len(course))[before:] {
		require.Equal(t, "d2", p.event(t)["subject"])
	}
}
