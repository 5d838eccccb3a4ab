package executor

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/haproxytest"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

var (
	blue  = contract.ServerSet{Name: "blue", Servers: []string{"web-1"}}
	green = contract.ServerSet{Name: "green", Servers: []string{"web-2", "web-3"}}
)

// proxied runs a HAProxy in front of the three servers, with traffic on the blue one.
func proxied(t *testing.T) *haproxytest.Proxy {
	t.Helper()
	servers := map[string]string{}
	for _, name := range append(blue.Servers, green.Servers...) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
		t.Cleanup(srv.Close)
		servers[name] = strings.TrimPrefix(srv.URL, "http://")
	}
	return haproxytest.Start(t, servers, green.Servers...)
}

func TestTrafficIsSwitchedByTheSocketOfAHAProxy(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h, proxy := hosttest.Start(t, 1)[0], proxied(t)
	job := contract.TrafficJob{
		Application: app, Target: s.target(h), Version: "2.0", From: blue, To: green,
		Traffic: contract.Traffic{HAProxy: &contract.HAProxy{Socket: proxy.Socket, Backend: haproxytest.Backend}},
	}
	id := s.offer(h.Name, job)
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Changed: true}, s.await(id, h.Name))
	require.Equal(t, "started, connect running, connect succeeded, traffic running, traffic succeeded, succeeded", steps(s.story(id, h.Name)))
	body, err := proxy.Get()
	require.NoError(t, err)
	require.Contains(t, green.Servers, body)

	again := s.await(s.offer(h.Name, job), h.Name)
	require.False(t, again.Changed)
	require.Contains(t, again.Note, "already")

	job.From, job.To = green, blue
	require.Equal(t, "succeeded", s.await(s.offer(h.Name, job), h.Name).State)
	body, err = proxy.Get()
	require.NoError(t, err)
	require.Equal(t, "web-1", body)

	job.To.Servers = []string{"web-9"}
	ended := s.await(s.offer(h.Name, job), h.Name)
	require.Equal(t, contract.FailBalancer, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "no server web-9")
	require.False(t, ended.Changed)
	job.Traffic.HAProxy = &contract.HAProxy{Socket: proxy.Socket + "x", Backend: haproxytest.Backend}
	require.Equal(t, contract.FailHost, s.await(s.offer(h.Name, job), h.Name).Failure.Code)
}

func TestTrafficIsSwitchedAndHostsAreRetiredByCommands(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	const tell = `echo "$SLIPWAY_APPLICATION $SLIPWAY_VERSION $SLIPWAY_SERVER $SLIPWAY_FROM $SLIPWAY_TO" $SLIPWAY_FROM_SERVERS / $SLIPWAY_TO_SERVERS >>told; `
	traffic := contract.TrafficJob{
		Application: app, Target: s.target(h), Version: "2.0", From: blue, To: green, Traffic: contract.Traffic{Command: tell},
	}
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Changed: true}, s.await(s.offer(h.Name, traffic), h.Name))
	retire := contract.RetireJob{Application: app, Target: s.target(h), Version: "2.0", From: blue, To: green, Command: tell}
	id := s.offer(h.Name, retire)
	require.Equal(t, contract.JobEndedEvent{State: "succeeded"}, s.await(id, h.Name))
	require.Contains(t, steps(s.story(id, h.Name)), "retire succeeded")
	told, err := os.ReadFile(filepath.Join(h.Home, "told"))
	require.NoError(t, err)
	line := "shop 2.0 " + h.Name + " blue green web-1 / web-2 web-3\n"
	require.Equal(t, line+line, string(told))

	traffic.Traffic.Command = "echo no such pool >&2; exit 3"
	ended := s.await(s.offer(h.Name, traffic), h.Name)
	require.Equal(t, contract.FailCommand, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "it ended with status 3\nno such pool")
	require.True(t, ended.Changed, "it may have done half of it")
}
