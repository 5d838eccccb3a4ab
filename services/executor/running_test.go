package executor

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/libs/supervisortest"
)

// quick is a check that is tried so often without much of a pause.
func quick(tries int, c contract.HostCheck) contract.HostCheck {
	c.Name, c.Tries, c.Interval, c.Timeout = "c", tries, 1, 20_000
	return c
}

func TestTheAnswerOfAnApplicationIsChecked(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	var asked atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/late":
			if asked.Add(1) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		}
		_, _ = io.WriteString(w, "version 1.0")
	}))
	t.Cleanup(web.Close)
	address := strings.TrimPrefix(web.URL, "http://")
	closed := fmt.Sprintf("127.0.0.1:%d", proctest.ReservePort(t))

	get := func(path string) contract.HTTPCheck { return contract.HTTPCheck{URL: web.URL + path, Method: "GET"} }
	with := func(c contract.HTTPCheck, adjust func(*contract.HTTPCheck)) *contract.HTTPCheck {
		adjust(&c)
		return &c
	}
	nothing := func(*contract.HTTPCheck) {}
	pkg := s.upload("1.0", 10)
	run := func(c contract.HostCheck) contract.JobEndedEvent {
		work := &contract.Work{Checks: []contract.HostCheck{c}}
		return s.await(s.offer(h.Name, contract.DeployJob{Application: app, Work: work, Target: s.target(h), Package: pkg}), h.Name)
	}
	for name, c := range map[string]contract.HostCheck{
		"body":     quick(1, contract.HostCheck{HTTP: with(get("/"), func(c *contract.HTTPCheck) { c.Body = "version {{version}}" })}),
		"late":     quick(3, contract.HostCheck{HTTP: with(get("/late"), nothing)}),
		"redirect": quick(1, contract.HostCheck{HTTP: with(get("/moved"), func(c *contract.HTTPCheck) { c.Status = "302" })}),
		"pattern":  quick(1, contract.HostCheck{HTTP: with(get("/"), func(c *contract.HTTPCheck) { c.Matches = "^version [0-9.]+$" })}),
		"tcp":      quick(1, contract.HostCheck{TCP: address}),
	} {
		require.Equal(t, "succeeded", run(c).State, name)
	}
	asked.Store(-100)
	for want, c := range map[string]contract.HostCheck{
		"try 2 of 2: the answer is not the right one: the status is 503, not 200-299": quick(2, contract.HostCheck{HTTP: with(get("/late"), nothing)}),
		"the body does not hold the text":                                             quick(1, contract.HostCheck{HTTP: with(get("/"), func(c *contract.HTTPCheck) { c.Body = "2.0" })}),
		"nobody answers at " + closed:                                                 quick(1, contract.HostCheck{TCP: closed}),
		"nobody answers at " + closed + " ":                                           quick(1, contract.HostCheck{HTTP: &contract.HTTPCheck{URL: "http://" + closed, Method: "GET"}}),
	} {
		ended := run(c)
		require.NotNil(t, ended.Failure, want)
		require.Equal(t, contract.FailCheck, ended.Failure.Code)
		require.Contains(t, ended.Failure.Reason, strings.TrimSpace(want))
	}
}

func TestAProgramOfSupervisorIsRestartedAndChecked(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	dir := filepath.Join(h.Home, app.Path)
	visor := supervisortest.Start(t, map[string]string{
		"shop.conf": "[program:shop]\ncommand=/bin/sh -c \"cp " + dir + "/current/VERSION " + h.Home + "/runs; exec sleep 600\"\nstartsecs=0\nautostart=false\nautorestart=false\n",
		"bad.conf":  "[program:bad]\ncommand=/bin/false\nstartsecs=1\nstartretries=0\nautostart=false\n",
	})
	job := func(version, program string) contract.JobEndedEvent {
		at := contract.Supervisor{Program: program, Socket: visor.Socket}
		work := &contract.Work{
			Restart: &contract.Restart{Supervisor: &at},
			Checks: []contract.HostCheck{
				quick(1000, contract.HostCheck{Process: &contract.ProcessCheck{Supervisor: &at, For: 1000}}),
				quick(1000, contract.HostCheck{Command: `[ "$(cat ~/runs)" = "$SLIPWAY_VERSION" ]`}),
			},
		}
		return s.await(s.offer(h.Name, contract.DeployJob{Application: app, Work: work, Target: s.target(h), Package: s.upload(version, 10)}), h.Name)
	}
	for _, version := range []string{"1.0", "2.0"} {
		ended := job(version, "shop")
		require.Equal(t, "succeeded", ended.State, "%+v", ended.Failure)
		runs, err := os.ReadFile(filepath.Join(h.Home, "runs"))
		require.NoError(t, err)
		require.Equal(t, version, string(runs))
	}
	for program, why := range map[string]string{"bad": "the program does not start: bad:bad", "nobody": "supervisor knows no such program: nobody"} {
		ended := job("3.0-"+program, program)
		require.Equal(t, contract.FailRestart, ended.Failure.Code)
		require.Contains(t, ended.Failure.Reason, why)
		require.True(t, ended.Changed)
	}
	at := contract.Supervisor{Program: "bad", Socket: visor.Socket}
	work := &contract.Work{Checks: []contract.HostCheck{quick(2, contract.HostCheck{Process: &contract.ProcessCheck{Supervisor: &at}})}}
	ended := s.await(s.offer(h.Name, contract.DeployJob{Application: app, Work: work, Target: s.target(h), Package: s.upload("4.0", 10)}), h.Name)
	require.Equal(t, contract.FailCheck, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "c, try 2 of 2: the program does not start: bad:bad is FATAL")
}
