package observe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/observe"
)

const token = "a-token-of-operators"

// running is a process that operators can ask.
type running struct {
	*testing.T
	process *observe.Process
	url     string
}

// start runs a process. becomeReady makes it ready.
func start(t *testing.T, cfg observe.Config, log io.Writer) (r running, becomeReady func()) {
	t.Helper()
	p, err := observe.New(cfg, "test", zerolog.New(log))
	require.NoError(t, err)
	begin := make(chan struct{})
	lifecycletest.Start(t, func(ctx context.Context, ready func()) error {
		return p.Run(ctx, func() {}, func(ctx context.Context, workReady func()) error {
			ready()
			select {
			case <-begin:
				workReady()
			case <-ctx.Done():
			}
			<-ctx.Done()
			return nil
		})
	})
	return running{t, p, "http://" + p.Addr()}, func() { close(begin) }
}

// ask returns the status and the body of an answer.
func (r running) ask(method, path, bearer, body string) (int, string) {
	r.Helper()
	return r.askAs("", method, path, bearer, body)
}

func (r running) askAs(host, method, path, bearer, body string) (int, string) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.url+path, strings.NewReader(body))
	require.NoError(r, err)
	req.Host = host
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(r, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(r, err)
	require.NoError(r, res.Body.Close())
	return res.StatusCode, string(text)
}

func TestAProcessIsHealthyAtOnceAndReadyWhenItCanWork(t *testing.T) {
	r, becomeReady := start(t, observe.Config{Listen: "127.0.0.1:0"}, io.Discard)
	broken := errors.New("it is away")
	well := make(chan error, 1)
	well <- broken
	r.process.Scope("one").Needs("broker", func() error {
		err := <-well
		well <- err
		return err
	})
	status, _ := r.ask("GET", "/healthz", "", "")
	require.Equal(t, 200, status)
	status, body := r.ask("GET", "/readyz", "", "")
	require.Equal(t, 503, status)
	require.JSONEq(t, `{"status": "not ready", "missing": {"start": "it has not come to its end yet", "one.broker": "it is away"}}`, body)

	becomeReady()
	require.Eventually(t, func() bool {
		_, body = r.ask("GET", "/readyz", "", "")
		return !strings.Contains(body, "start")
	}, patience, tick)
	require.JSONEq(t, `{"status": "not ready", "missing": {"one.broker": "it is away"}}`, body)
	require.Error(t, <-well)
	well <- nil
	status, _ = r.ask("GET", "/readyz", "", "")
	require.Equal(t, 200, status)
}

func TestATokenIsDemandedForWhatIsNotForEverybody(t *testing.T) {
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0", Token: token}, io.Discard)
	for _, path := range []string{"/metrics", "/log-level", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/symbol"} {
		status, _ := r.ask("GET", path, "", "")
		require.Equal(t, 401, status, path)
		status, _ = r.ask("GET", path, token+"x", "")
		require.Equal(t, 401, status, path)
		status, _ = r.ask("GET", path, token, "")
		require.Equal(t, 200, status, path)
	}
	status, _ := r.ask("PUT", "/log-level", "", `{"level":"debug"}`)
	require.Equal(t, 401, status)
	for _, path := range []string{"/healthz", "/readyz"} {
		status, _ := r.ask("GET", path, "", "")
		require.NotEqual(t, 401, status, path)
	}
}

func TestProfilesAreShownOnLoopbackAloneAndArgumentsNever(t *testing.T) {
	local, _ := start(t, observe.Config{Listen: "127.0.0.1:0"}, io.Discard)
	status, _ := local.ask("GET", "/debug/pprof/goroutine", "", "")
	require.Equal(t, 200, status)
	status, _ = local.ask("GET", "/debug/pprof/cmdline", "", "")
	require.Equal(t, 404, status)

	open, _ := start(t, observe.Config{Listen: "0.0.0.0:0", Insecure: true}, io.Discard)
	status, _ = open.ask("GET", "/metrics", "", "")
	require.Equal(t, 200, status)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile"} {
		status, _ := open.ask("GET", path, "", "")
		require.Equal(t, 404, status, path)
	}
	status, _ = open.ask("PUT", "/log-level", "", `{"level":"debug"}`)
	require.Equal(t, 405, status, "nobody says who asks")
}

func TestAPageInABrowserOfThisMachineReadsNothing(t *testing.T) {
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0"}, io.Discard)
	for host, want := range map[string]int{"evil.example:9090": 403, "evil.example": 403, "127.0.0.1:1": 200, "localhost:9090": 200, "[::1]:9090": 200} {
		status, _ := r.askAs(host, "GET", "/metrics", "", "")
		require.Equal(t, want, status, host)
	}
}

func TestTheLevelOfTheLogChangesWhileTheProcessRuns(t *testing.T) {
	before := zerolog.GlobalLevel()
	t.Cleanup(func() { zerolog.SetGlobalLevel(before) })
	zerolog.SetGlobalLevel(zerolog.InfoLevel)
	var said lifecycletest.Output
	log := zerolog.New(&said).With().Str("part", "made before").Logger()
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0"}, &said)

	log.Debug().Msg("too little")
	status, body := r.ask("PUT", "/log-level", "", `{"level":"debug"}`)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"level":"debug"}`, body)
	log.Debug().Msg("enough now")
	require.NotContains(t, said.String(), "too little")
	require.Contains(t, said.String(), "enough now")
	require.Contains(t, said.String(), `"from":"info","to":"debug"`)

	for _, bad := range []string{``, `{}`, `{"level":"loud"}`, `{"level":"fatal"}`, `{"level":""}`, `{"level":"info","x":1}`, `{"level":"` + strings.Repeat("x", 2000) + `"}`} {
		status, _ := r.ask("PUT", "/log-level", "", bad)
		require.Equal(t, 400, status, bad)
	}
	_, body = r.ask("GET", "/log-level", "", "")
	require.JSONEq(t, `{"level":"debug"}`, body)
	_, _ = r.ask("PUT", "/log-level", "", `{"level":"error"}`)
	require.Equal(t, 2, strings.Count(said.String(), "the log has another level"), "it is always said")
}

func TestBeyondLoopbackTakesATokenAndTLSOrAWord(t *testing.T) {
	const cert, key = "cert.pem", "key.pem"
	for name, c := range map[string]struct {
		cfg  observe.Config
		want string // empty: it is valid
	}{
		"off":                {observe.Config{}, ""},
		"loopback":           {observe.Config{Listen: "127.0.0.1:9090"}, ""},
		"loopback, by name":  {observe.Config{Listen: "localhost:9090"}, ""},
		"loopback of IPv6":   {observe.Config{Listen: "[::1]:9090"}, ""},
		"beyond":             {observe.Config{Listen: "10.0.0.1:9090"}, "reachable from other machines"},
		"everywhere":         {observe.Config{Listen: ":9090"}, "reachable from other machines"},
		"token alone":        {observe.Config{Listen: ":9090", Token: token}, "reachable from other machines"},
		"TLS alone":          {observe.Config{Listen: ":9090", TLSCert: cert, TLSKey: key}, "reachable from other machines"},
		"token and TLS":      {observe.Config{Listen: ":9090", Token: token, TLSCert: cert, TLSKey: key}, ""},
		"a word":             {observe.Config{Listen: ":9090", Insecure: true}, ""},
		"no port":            {observe.Config{Listen: "9090"}, "not an address and a port"},
		"half a certificate": {observe.Config{TLSCert: cert}, "observe.tls_key"},
		"a short token":      {observe.Config{Token: "short"}, "at least 16"},
		"no token":           {observe.Config{Token: "with spaces in the middle"}, "at least 16"},
	} {
		t.Run(name, func(t *testing.T) {
			err := errors.Join(c.cfg.Validate()...)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "spaces in")
			_, err = observe.New(c.cfg, "test", zerolog.Nop())
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAnAddressThatIsTakenIsSaid(t *testing.T) {
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0"}, io.Discard)
	p, err := observe.New(observe.Config{Listen: r.process.Addr()}, "test", zerolog.Nop())
	require.NoError(t, err)
	err = p.Run(t.Context(), func() {}, func(context.Context, func()) error {
		t.Error("it works all the same")
		return nil
	})
	require.ErrorIs(t, err, observe.ErrListen)
}
