package haproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/haproxytest"
)

// fleet is a real HAProxy in front of real servers that can fall ill.
type fleet struct {
	*haproxytest.Proxy
	ill map[string]*atomic.Bool
}

var (
	blue  = []string{"blue-1", "blue-2"}
	green = []string{"green-1", "green-2"}
)

// newFleet starts with traffic on the blue set.
func newFleet(t *testing.T) fleet {
	t.Helper()
	f := fleet{ill: map[string]*atomic.Bool{}}
	servers := map[string]string{}
	for _, name := range append(blue, green...) {
		ill := &atomic.Bool{}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if ill.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, name)
		}))
		t.Cleanup(srv.Close)
		f.ill[name], servers[name] = ill, strings.TrimPrefix(srv.URL, "http://")
	}
	f.Proxy = haproxytest.Start(t, servers, green...)
	return f
}

func (f fleet) backend() Backend {
	return Backend{Name: haproxytest.Backend, Ask: func(ctx context.Context, line string) (string, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", f.Socket)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, line); err != nil {
			return "", err
		}
		answer, err := io.ReadAll(conn)
		return string(answer), err
	}}
}

// requireTraffic sees to which set traffic goes.
func (f fleet) requireTraffic(t *testing.T, set string) {
	t.Helper()
	for range 6 {
		body, err := f.Get()
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(body, set), "%s answers", body)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestTrafficGoesToTheOtherSetAndBack(t *testing.T) {
	f := newFleet(t)
	f.requireTraffic(t, "blue")
	touched, err := f.backend().Switch(within(t, time.Minute), green, blue)
	require.NoError(t, err)
	require.True(t, touched)
	f.requireTraffic(t, "green")
	require.Equal(t, "DRAIN", f.Status("blue-1"))

	touched, err = f.backend().Switch(within(t, time.Minute), green, blue)
	require.NoError(t, err)
	require.False(t, touched, "a repeat")
	f.requireTraffic(t, "green")

	_, err = f.backend().Switch(within(t, time.Minute), blue, green)
	require.NoError(t, err)
	f.requireTraffic(t, "blue")
}

func TestASetThatIsNotFitGetsNoTraffic(t *testing.T) {
	f := newFleet(t)
	f.ill["green-2"].Store(true)
	require.Eventually(t, func() bool { return f.Status("green-2") == "DOWN" }, time.Minute, 10*time.Millisecond)
	touched, err := f.backend().Switch(within(t, 5*time.Second), green, blue)
	require.ErrorIs(t, err, ErrUnfit)
	require.ErrorContains(t, err, "green-2 is DOWN")
	require.NotContains(t, err.Error(), "green-1")
	require.False(t, touched)
	require.Equal(t, "DRAIN", f.Status("green-1"))
	f.requireTraffic(t, "blue")
}

func TestWhatWasKnownOfASetDoesNotCount(t *testing.T) {
	f := newFleet(t)
	for n := range 4 {
		if n%2 == 0 {
			f.Ask("set server shop/green-1 state maint")
		}
		f.ill["green-1"].Store(true) // which the checks have not found yet
		_, err := f.backend().Switch(within(t, time.Second), green, blue)
		require.ErrorIs(t, err, ErrUnfit)
		f.requireTraffic(t, "blue")
		f.ill["green-1"].Store(false)
		require.Eventually(t, func() bool { return f.Status("green-1") == "DRAIN" }, time.Minute, 10*time.Millisecond)
	}
}

func TestServersWithoutChecksAreTakenAsTheyAre(t *testing.T) {
	f := newFleet(t)
	for _, name := range green {
		f.Ask("disable health shop/" + name)
	}
	_, err := f.backend().Switch(within(t, time.Minute), green, blue)
	require.NoError(t, err)
	f.requireTraffic(t, "green")
}

func TestASetIsWaitedFor(t *testing.T) {
	f := newFleet(t)
	f.Ask("set server shop/green-1 state maint")
	f.ill["green-2"].Store(true)
	require.Eventually(t, func() bool { return f.Status("green-2") == "DOWN" }, time.Minute, 10*time.Millisecond)
	b := f.backend()
	ask := b.Ask
	var looks int
	b.Ask = func(ctx context.Context, line string) (string, error) {
		if strings.HasPrefix(line, "show stat") {
			if looks++; looks == 2 {
				f.ill["green-2"].Store(false)
			}
		}
		return ask(ctx, line)
	}
	_, err := b.Switch(within(t, time.Minute), green, blue)
	require.NoError(t, err)
	require.Greater(t, looks, 2)
	f.requireTraffic(t, "green")
	require.Equal(t, "UP", f.Status("green-1"), "maintenance is over")
}

func TestWhatFailsHalfwayIsTakenBack(t *testing.T) {
	f := newFleet(t)
	b := f.backend()
	ask := b.Ask
	gone := errors.New("gone")
	b.Ask = func(ctx context.Context, line string) (string, error) {
		if line == "set server shop/blue-2 state drain\n" {
			return "", gone
		}
		return ask(ctx, line)
	}
	touched, err := b.Switch(within(t, time.Minute), green, blue)
	require.ErrorIs(t, err, gone)
	require.False(t, touched)
	f.requireTraffic(t, "blue")
	require.Equal(t, "DRAIN", f.Status("green-1"))

	broken := false
	b.Ask = func(ctx context.Context, line string) (string, error) {
		broken = broken || line == "set server shop/blue-2 state drain\n"
		if broken {
			return "", gone
		}
		return ask(ctx, line)
	}
	touched, err = b.Switch(within(t, time.Minute), green, blue)
	require.ErrorIs(t, err, gone)
	require.True(t, touched, "nobody knows")
}

func TestTheWordsOfHAProxyAreTold(t *testing.T) {
	f := newFleet(t)
	for _, c := range []struct {
		backend  string
		to, from []string
		want     string
	}{
		{"nowhere", green, blue, "No such proxy"},
		{haproxytest.Backend, []string{"green-3"}, blue, "no server green-3"},
		{haproxytest.Backend, green, []string{"blue-3"}, "no server blue-3"},
	} {
		b := f.backend()
		b.Name = c.backend
		_, err := b.Switch(within(t, time.Minute), c.to, c.from)
		require.ErrorIs(t, err, ErrRefused)
		require.ErrorContains(t, err, c.want)
	}
	b := f.backend()
	require.ErrorContains(t, b.set(t.Context(), "state ready", []string{"green-3"}), "No such server")
}

func TestNoNameIsACommand(t *testing.T) {
	b := Backend{Name: "shop", Ask: func(context.Context, string) (string, error) {
		require.Fail(t, "haproxy is asked")
		return "", nil
	}}
	for _, bad := range []string{"", "a b", "a;show env", "a\nshow env", "a/b", "ü", strings.Repeat("a", 129)} {
		for _, args := range [][2][]string{{{bad}, blue}, {green, {bad}}} {
			_, err := b.Switch(t.Context(), args[0], args[1])
			require.ErrorIs(t, err, ErrInvalid, "%q", bad)
		}
		b.Name = bad
		_, err := b.Switch(t.Context(), green, blue)
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
		b.Name = "shop"
	}
}

func TestWhoLostTheRightToAskAsksNoMore(t *testing.T) {
	f := newFleet(t)
	b := f.backend()
	ask := b.Ask
	ctx, cancel := context.WithCancel(t.Context())
	b.Ask = func(asked context.Context, line string) (string, error) {
		if strings.HasSuffix(line, "green-2 state ready\n") {
			cancel()
			return "\n", nil
		}
		require.NoError(t, ctx.Err(), line)
		return ask(asked, line)
	}
	touched, err := b.Switch(ctx, green, blue)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, touched)
}

func TestAnAnswerThatIsNoneIsRefused(t *testing.T) {
	for _, answer := range []string{"", "Permission denied\n", "# a,b\n1,2\n", "# svname,status\na,UP\n", "# svname,status,check_status\n\"x\n", strings.Repeat("ü", 1000)} {
		_, err := readStat(answer)
		require.ErrorIs(t, err, ErrRefused)
		require.Less(t, len(err.Error()), 400)
	}
}
