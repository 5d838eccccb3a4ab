//go:build bench

package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// installation is Slipway as separate processes, one of each kind but for
// executors, whose hosts are simulated. It differs from an installation of users
// in that alone.
type installation struct {
	*slipway
	dir       string
	broker    string // URL
	monitor   string // URL of the broker's own figures
	key       string // file
	js        jetstream.JetStream
	scheduler *process
	executors []*process
}

// startInstallation returns one without executors.
func startInstallation(t *testing.T) *installation {
	t.Helper()
	dir, err := os.MkdirTemp("", "slipway-bench-") //nolint:usetesting // short, as a Unix socket needs it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	build(t, dir, map[string]string{
		"./cmd/slipway-gateway":              "gateway",
		"./cmd/slipway-scheduler":            "scheduler",
		"./cmd/slipway-history":              "history",
		"./bench/slipway-executor-simulated": "executor",
		"./cmd/slipway-standalone":           "standalone",
		"github.com/nats-io/nats-server/v2":  "standalone",
	})
	i := &installation{dir: dir, key: filepath.Join(dir, "seal.key")}
	i.startBroker(t)
	storeAt := startStore(t, filepath.Join(dir, "store"))
	key, err := seal.LoadOrCreateKeyFile(i.key)
	require.NoError(t, err)
	gateway := i.service(t, "gateway", "slipway-gateway", append(unlimited, "--listen", "127.0.0.1:0", "--seal-public-key", key.Public().String())...)
	i.service(t, "history", "slipway-history", "--store-uri", storeAt, "--store-single-writer")
	i.scheduler = i.service(t, "scheduler", "slipway-scheduler")
	token := start(t, dir, "bootstrap", "slipway-gateway", "bootstrap", "--nats-url", i.broker, "--seal-public-key", key.Public().String()).says(`slw_\S+`)
	i.slipway = &slipway{
		t: t, url: "http://" + gateway.says(`"address":"([^"]+)"`), token: token,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	return i
}

// unlimited is what lets one client measure how much a gateway takes.
var unlimited = []string{"--limits-caller-rate=0", "--limits-address-rate=0", "--limits-caller-watches=0"}

// startStore runs the embedded store as standalone does, in this process, and
// returns its URI.
func startStore(t *testing.T, dir string) string {
	t.Helper()
	s, err := store.New(store.Config{Dir: dir, Database: "slipway", Collections: history.Collections()})
	require.NoError(t, err)
	lifecycletest.Start(t, s.Run)
	return s.URI()
}

// startBroker starts a broker with the durability that standalone has.
func (i *installation) startBroker(t *testing.T) {
	t.Helper()
	config := filepath.Join(i.dir, "nats.conf")
	text := fmt.Sprintf("listen: 127.0.0.1:-1\nhttp: 127.0.0.1:-1\njetstream {store_dir: %q, sync_interval: always}\n", filepath.Join(i.dir, "nats"))
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	p := start(t, i.dir, "nats", "nats-server", "-c", config)
	i.broker = "nats://" + p.says(`Listening for client connections on (\S+)`)
	i.monitor = "http://" + p.says(`Starting http monitor on (\S+)`)
	nc, err := nats.Connect(i.broker)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	i.js, err = jetstream.New(nc)
	require.NoError(t, err)
}

func (i *installation) service(t *testing.T, name, binary string, args ...string) *process {
	t.Helper()
	p := start(t, i.dir, name, binary, append(args, "--nats-url", i.broker)...)
	p.says(`"message":"ready"`)
	return p
}

// scale starts or stops executors until there are so many, each with so many
// slots, whose hosts take so long for each command.
func (i *installation) scale(executors, slots int, takes time.Duration) {
	i.t.Helper()
	for n := len(i.executors); n < executors; n++ {
		name := fmt.Sprintf("executor-%d", n+1)
		i.executors = append(i.executors, i.service(i.t, name, "slipway-executor-simulated", takes.String(),
			"--name", name, "--slots", strconv.Itoa(slots), "--seal-private-key-file", i.key, "--cache-dir", filepath.Join(i.dir, name)))
	}
	for _, surplus := range i.executors[executors:] {
		surplus.stop()
	}
	i.executors = i.executors[:executors]
}

const addingClients = 16

// addSimulated adds servers and returns their names.
func (i *installation) addSimulated(count int) []string {
	i.t.Helper()
	names := make([]string, count)
	for n := range names {
		names[n] = fmt.Sprintf("host-%05d", n)
	}
	todo := make(chan string, count)
	for _, name := range names {
		todo <- name
	}
	close(todo)
	var adding sync.WaitGroup
	for range addingClients {
		adding.Go(func() {
			for name := range todo {
				status, answer := i.send("POST", "/v1/servers", map[string]any{
					"name": name, "address": "127.0.0.1", "user": "nobody",
					"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDI4SKl3opHp7nZ4fmWX1VZ4xxTTYY6N9qpDxQqtuVCa",
				})
				if status != http.StatusCreated {
					i.t.Errorf("add %s: %d %s", name, status, answer)
					return
				}
			}
		})
	}
	adding.Wait()
	require.False(i.t, i.t.Failed())
	return names
}

// traffic is what went through the broker so far, in both directions.
type traffic struct{ messages, bytes float64 }

func (i *installation) traffic() traffic {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, i.monitor+"/varz", nil)
	require.NoError(i.t, err)
	res, err := i.http.Do(req)
	require.NoError(i.t, err)
	defer res.Body.Close()
	var said struct {
		InMsgs   float64 `json:"in_msgs"`
		OutMsgs  float64 `json:"out_msgs"`
		InBytes  float64 `json:"in_bytes"`
		OutBytes float64 `json:"out_bytes"`
	}
	require.NoError(i.t, json.NewDecoder(res.Body).Decode(&said))
	return traffic{said.InMsgs + said.OutMsgs, said.InBytes + said.OutBytes}
}
