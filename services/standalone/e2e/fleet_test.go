package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/libs/storetest"
)

// fleet is Slipway as separate processes, each of which can die alone.
type fleet struct {
	*client
	t       testing.TB
	dir     string
	natsURL string
	storeAt string // URI of the store
	keyFile string // for executors to open credentials with

	database string // of the documents

	broker     *process
	store      *process
	gateway    *process // the first of gateways, which client asks
	history    *process // the first of histories
	gateways   []*process
	histories  []*process
	schedulers []*process
	executors  []*process
	clients    []*client // of each gateway

	everywhere []string // flags of all
	env        []string
}

// fleetSize says how many replicas there are, and what executors are told beyond what they need.
type fleetSize struct {
	schedulers, executors int
	gateways, histories   int // 0: one
	flags                 []string
	schedulerFlags        []string
	dir                   string // for all files; empty: one that goes with the test
	anyStore              bool   // the MongoDB that SLIPWAY_TEST_MONGODB_URI names will do, as the test does not kill it
	syncAlways            bool   // the broker acknowledges what is on the disk
	operators             bool   // each process listens for who operates it
	env                   []string
}

// startFleet starts all processes and returns when requests are served.
func startFleet(t testing.TB, size fleetSize) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: size.dir, database: "slipway", env: size.env}
	if size.operators {
		f.everywhere = []string{"--observe-listen", "127.0.0.1:0"}
	}
	if f.dir == "" {
		f.dir = workDir(t)
	}
	f.newBroker(size.syncAlways)
	f.broker.start()
	f.awaitBroker()
	if size.anyStore && os.Getenv(storetest.URIVariable) != "" {
		given := storetest.Start(t)
		f.storeAt, f.database = given.URI, given.Database
	} else {
		f.newStore()
		f.store.start()
		f.awaitStore()
	}

	f.keyFile = filepath.Join(f.dir, "seal.key")
	public := f.output("slipway-executor", "keygen", f.keyFile)
	var addresses []string
	for n := range max(1, size.gateways) {
		addresses = append(addresses, "127.0.0.1:"+strconv.Itoa(proctest.ReservePort(t)))
		f.gateways = append(f.gateways, f.replica("gateway", n, "--listen", addresses[n], "--seal-public-key", public))
	}
	for n := range max(1, size.histories) {
		f.histories = append(f.histories, f.replica("history", n, f.storeFlags(f.database, size.histories <= 1)...))
	}
	f.gateway, f.history = f.gateways[0], f.histories[0]
	for n := range size.schedulers {
		f.schedulers = append(f.schedulers, f.replica("scheduler", n, size.schedulerFlags...))
	}
	for range size.executors {
		f.newExecutor(size.flags...)
	}
	for _, p := range f.services() {
		p.start()
	}
	for _, p := range f.services() {
		p.awaitLog(`"message":"ready"`)
	}
	token := tokenLine.FindStringSubmatch(f.output("slipway-gateway", "bootstrap", "--nats-url", f.natsURL, "--seal-public-key", public))
	require.NotNil(t, token, "bootstrap prints no token")
	serving := "/readyz"
	if size.schedulers == 0 || size.executors == 0 { // without which no gateway is ready
		serving = "/healthz"
	}
	for _, address := range addresses {
		c := newClient(t, f.dir, "http://"+address, token[1])
		must[any](t, c, request{method: "GET", path: serving}, http.StatusOK)
		f.clients = append(f.clients, c)
	}
	f.client = f.clients[0]
	return f
}

// services are the processes that are Slipway's own.
func (f *fleet) services() []*process {
	return slices.Concat(f.gateways, f.histories, f.schedulers, f.executors)
}

func (f *fleet) replica(kind string, n int, flags ...string) *process {
	return f.process(fmt.Sprintf("%s-%d", kind, n+1), kind, flags)
}

// newExecutor adds an executor, which is not started yet.
func (f *fleet) newExecutor(flags ...string) *process {
	n := len(f.executors)
	name := fmt.Sprintf("executor-%d", n+1)
	p := f.replica("executor", n, append([]string{
		"--name", name, "--seal-private-key-file", f.keyFile, "--cache-dir", filepath.Join(f.dir, name),
	}, flags...)...)
	f.executors = append(f.executors, p)
	return p
}

func (f *fleet) process(name, kind string, flags []string) *process {
	f.t.Helper()
	p := newProcess(f.t, f.dir, name, "slipway-"+kind, slices.Concat([]string{"--nats-url", f.natsURL}, f.everywhere, flags)...)
	p.env = append(p.env, f.env...)
	return p
}

// storeFlags are those of a history that writes to the database, alone or not.
func (f *fleet) storeFlags(database string, alone bool) []string {
	flags := []string{"--store-uri", f.storeAt, "--store-database", database}
	if alone {
		flags = append(flags, "--store-single-writer")
	}
	return flags
}

// newBroker makes a nats-server that keeps its port and its store over a kill.
func (f *fleet) newBroker(syncAlways bool) {
	f.t.Helper()
	port := proctest.ReservePort(f.t)
	f.natsURL = fmt.Sprintf("nats://127.0.0.1:%d", port)
	config := filepath.Join(f.dir, "nats.conf")
	sync := ""
	if syncAlways {
		sync = ", sync_interval: always"
	}
	text := fmt.Sprintf("listen: 127.0.0.1:%d\njetstream {store_dir: %q%s}\n", port, filepath.Join(f.dir, "nats"), sync)
	require.NoError(f.t, os.WriteFile(config, []byte(text), 0o600))
	f.broker = newProcess(f.t, f.dir, "nats", "nats-server", "-c", config)
}

func (f *fleet) awaitBroker() { f.broker.awaitLog(`Server is ready`) }

// newStore makes a store that keeps its socket and its documents over a kill.
func (f *fleet) newStore() {
	f.t.Helper()
	f.store = newProcess(f.t, f.dir, "store", "slipway-standalone", "store",
		"--dir", filepath.Join(f.dir, "store"), "--listen", "unix:"+filepath.Join(f.dir, "store.sock"))
}

func (f *fleet) awaitStore() { f.storeAt = f.store.awaitLog(`store ready (\S+)`) }

// output runs a program to its end and returns what it prints.
func (f *fleet) output(binary string, args ...string) string {
	f.t.Helper()
	p := newProcess(f.t, f.dir, binary+"-"+args[0], binary, args...)
	p.start()
	require.Zero(f.t, p.awaitExit(), "%s %v: %s", binary, args, p.output())
	printed := strings.TrimSpace(p.output())
	require.NoError(f.t, os.Remove(p.log)) // a token, which no log may hold
	return printed
}

// awaitTarget waits until a target of the deployment is as wanted, and returns it.
func awaitTarget(t testing.TB, c *client, deployment string, wanted func(target) bool) target {
	t.Helper()
	var found target
	eventually(t, func() bool {
		for _, one := range c.targets(t, deployment) {
			if wanted(one) {
				found = one
				return true
			}
		}
		return false
	}, "no target of deployment %s is as wanted", deployment)
	return found
}

// inTransfer says that bytes are on their way to the target.
func inTransfer(one target) bool {
	return one.State == "running" && one.Step == "stage" && one.Done > 0
}

// executorOf returns the process that works on the target: names in events begin with the name of the executor.
func (f *fleet) executorOf(one target) *process {
	f.t.Helper()
	for _, e := range f.executors {
		if regexp.MustCompile("^" + e.name + `\b`).MatchString(one.Executor) {
			return e
		}
	}
	require.FailNow(f.t, "nobody's target", "%+v", one)
	return nil
}

// outage is how long what a deployment needs is gone for.
const outage = 10 * time.Second
