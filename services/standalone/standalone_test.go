package standalone_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/standalone"
	"github.com/slipway-deploy/slipway/services/standalone/internal/broker"
	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// patience bounds every wait for something that is certain to come.
const patience = time.Minute

// load returns the configuration for a data directory, as a command line with these further arguments makes it.
func load(t *testing.T, data string, args ...string) standalone.Config {
	t.Helper()
	var cfg standalone.Config
	args = append([]string{"--data", data, "--gateway-listen", "127.0.0.1:0"}, args...)
	require.NoError(t, config.Load(&cfg, "test", args, nil))
	return cfg
}

var (
	urlLine   = regexp.MustCompile(`(?m)^Slipway listens on (http://127\.0\.0\.1:\d+)$`)
	tokenLine = regexp.MustCompile(`(?m)^ +(slw_\S+)$`)
)

// installation is one that serves requests, until stop is called or the test ends.
type installation struct {
	url, token string // no token: none was announced
	stop       func()
}

func start(t *testing.T, cfg standalone.Config) installation {
	t.Helper()
	out := &lifecycletest.Output{}
	s, err := standalone.New(cfg, zerolog.Nop(), out)
	require.NoError(t, err)
	in := installation{stop: lifecycletest.Start(t, s.Run)}
	found := urlLine.FindStringSubmatch(out.String())
	require.NotNil(t, found, "no address is announced: %s", out)
	in.url = found[1]
	if found := tokenLine.FindStringSubmatch(out.String()); found != nil {
		in.token = found[1]
	}
	return in
}

// whoAmI is the status of a request that needs a token.
func (in installation) whoAmI(t *testing.T, token string) int {
	t.Helper()
	return in.get(t, token, "/v1/whoami")
}

// get is the status of a request with this token.
func (in installation) get(t *testing.T, token, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url+path, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// runToError runs an installation that is expected not to become ready.
func runToError(t *testing.T, cfg standalone.Config) error {
	t.Helper()
	s, err := standalone.New(cfg, zerolog.Nop(), &lifecycletest.Output{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = s.Run(ctx, func() { t.Error("ready in spite of all") })
	require.Error(t, err)
	require.NoError(t, ctx.Err())
	require.NotContains(t, err.Error(), "\n", "one line says it")
	return err
}

func TestTheFirstStartAnnouncesATokenAndLaterOnesDoNot(t *testing.T) {
	cfg := load(t, filepath.Join(t.TempDir(), "data"))
	first := start(t, cfg)
	require.NotEmpty(t, first.token)
	require.Equal(t, http.StatusOK, first.whoAmI(t, first.token))
	require.Equal(t, http.StatusUnauthorized, first.whoAmI(t, "slw_guess"))
	first.stop()

	second := start(t, cfg)
	require.Empty(t, second.token)
	require.Equal(t, http.StatusOK, second.whoAmI(t, first.token))
}

func TestDataIsForItsOwnerAlone(t *testing.T) {
	data := filepath.Join(t.TempDir(), "deep", "data")
	start(t, load(t, data))
	for name, mode := range map[string]os.FileMode{
		"": 0o700, "seal.key": 0o600, "webhooks.key": 0o600, "nats": 0o700, "store": 0o700, "cache": 0o700,
	} {
		info, err := os.Stat(filepath.Join(data, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), "%q", name)
	}
}

func TestALostTokenIsReplaced(t *testing.T) {
	cfg := load(t, t.TempDir())
	first := start(t, cfg)
	first.stop()

	out := &lifecycletest.Output{}
	s, err := standalone.New(cfg, zerolog.Nop(), out)
	require.NoError(t, err)
	require.NoError(t, s.ReplaceToken(t.Context()))
	token := strings.TrimSpace(out.String())

	second := start(t, cfg)
	require.Equal(t, http.StatusOK, second.whoAmI(t, token))
	require.Equal(t, http.StatusUnauthorized, second.whoAmI(t, first.token))
}

func TestATokenThatWasMadeBeforehandIsNotAnnounced(t *testing.T) {
	cfg := load(t, filepath.Join(t.TempDir(), "data"))
	out := &lifecycletest.Output{}
	s, err := standalone.New(cfg, zerolog.Nop(), out)
	require.NoError(t, err)
	require.NoError(t, s.ReplaceToken(t.Context()))

	in := start(t, cfg)
	require.Empty(t, in.token)
	require.Equal(t, http.StatusOK, in.whoAmI(t, strings.TrimSpace(out.String())))
}

func TestASecondProcessOnTheDataIsRefused(t *testing.T) {
	cfg := load(t, t.TempDir())
	start(t, cfg)
	require.ErrorIs(t, runToError(t, cfg), datadir.ErrInUse)

	s, err := standalone.New(cfg, zerolog.Nop(), &lifecycletest.Output{})
	require.NoError(t, err)
	require.ErrorIs(t, s.ReplaceToken(t.Context()), datadir.ErrInUse)
}

func TestDataThatCannotBeWrittenIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	err := runToError(t, load(t, filepath.Join(file, "data")))
	require.ErrorIs(t, err, datadir.ErrNotWritable)
	require.ErrorContains(t, err, "choose another directory")
}

// occupy takes a port for the rest of the test.
func occupy(t *testing.T) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestATakenPortOfTheAPICostsNoToken(t *testing.T) {
	data, taken := t.TempDir(), occupy(t)
	err := runToError(t, load(t, data, "--gateway-listen", taken))
	require.ErrorIs(t, err, gateway.ErrAddress)
	require.ErrorContains(t, err, taken)
	require.NotEmpty(t, start(t, load(t, data)).token)
}

func TestATakenPortOfTheBrokerIsRefused(t *testing.T) {
	taken := occupy(t)
	err := runToError(t, load(t, t.TempDir(), "--nats-listen", taken))
	require.ErrorIs(t, err, broker.ErrAddressInUse)
	require.ErrorContains(t, err, taken)
}

func TestADamagedFileIsNamedAndNotReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		file string // below the data directory
		want error
	}{
		"key":       {"seal.key", seal.ErrKeyFile},
		"webhooks":  {"webhooks.key", seal.ErrKeyFile},
		"documents": {"store/slipway.sqlite", store.ErrDamaged},
		"stream":    {"nats/jetstream/$G/streams/KV_TOKENS/meta.inf", broker.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := load(t, t.TempDir())
			start(t, cfg).stop()
			file := filepath.Join(cfg.Data, filepath.FromSlash(c.file))
			require.FileExists(t, file)
			require.NoError(t, os.WriteFile(file, []byte("this is not what was here, not at all"), 0o600))

			err := runToError(t, cfg)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, filepath.Dir(file))
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, "this is not what was here, not at all", string(after))
		})
	}
}
