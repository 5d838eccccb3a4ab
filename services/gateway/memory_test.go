package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// asGateway makes this test binary a gateway of its own process: how much memory
// it takes can be seen there alone.
const asGateway = "GATEWAY_TEST_NATS"

func runAsGateway() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	key, err := seal.GenerateKey()
	must(err)
	var cfg gateway.Config
	config.Defaults(&cfg)
	cfg.Listen, cfg.NATS.URL, cfg.SealPublicKey = "127.0.0.1:0", os.Getenv(asGateway), key.Public().String()
	cfg.Timeouts.Broker, cfg.Timeouts.Query, cfg.Timeouts.Inspect = patience, patience, patience // as prepareOn says
	if key := os.Getenv(webhooksKey); key != "" {
		cfg.Webhooks.PrivateKey, cfg.Webhooks.Allow = config.Secret(key), []string{"127.0.0.0/8"}
	}
	service, err := gateway.New(cfg, zerolog.Nop())
	must(err)
	if err := service.Run(ctx, func() { fmt.Println(service.Addr()) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// peak is the most memory that a process has had, in bytes.
func peak(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	require.NoError(t, err)
	return kib << 10
}

func TestAnUploadOfAnySizeTakesLittleMemory(t *testing.T) {
	f := &fixture{TB: t, client: held(t, nil), broker: bustest.StartListening(t)}
	config.Defaults(&f.cfg)
	f.cfg.NATS.URL = f.broker.URL()
	f.openBus()
	var err error
	f.token, _, err = gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop())
	require.NoError(t, err)

	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Env = append(os.Environ(), asGateway+"="+f.broker.URL())
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	f.url = "http://" + strings.TrimSpace(address)

	f.upload("app", "small", "app", make([]byte, 1<<20)).is(201)
	before := peak(t, process.Process.Pid)
	const size = 100 << 20
	res := f.upload("app", "large", "app", io.LimitReader(zeros{}, size)).is(201)
	require.EqualValues(t, size, res.object()["size"])
	grown := peak(t, process.Process.Pid) - before
	t.Logf("an upload of %d MiB made the peak of %d MiB grow by %d MiB", size>>20, before>>20, grown>>20)
	require.Less(t, grown, 30<<20)

	require.NoError(t, process.Process.Signal(syscall.SIGTERM))
	require.NoError(t, process.Wait(), "it stops in good order")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
