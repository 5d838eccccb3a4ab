package haproxytest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// Backend is the name of the one backend.
const Backend = "shop"

// patience bounds the wait for HAProxy to start, and for its answers.
const patience = time.Minute

// Proxy is a HAProxy that runs.
type Proxy struct {
	Socket string // of its runtime API, of level admin

	t        testing.TB
	frontend string
	client   *http.Client
}

// Start runs a HAProxy in front of servers, by name their addresses, of which those
// named in drained get no traffic yet. A server is checked ten times a second: a GET
// of / has to be answered by 200. Cleanup is registered with t.
func Start(t testing.TB, servers map[string]string, drained ...string) *Proxy {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/haproxy"); err != nil {
			t.Fatal("haproxytest needs HAProxy: apt-get install haproxy")
		}
	}
	dir, err := os.MkdirTemp("", "haproxy") //nolint:usetesting // its path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &Proxy{Socket: filepath.Join(dir, "admin"), frontend: filepath.Join(dir, "front"), t: t}
	dialer := &net.Dialer{}
	p.client = &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true, // each request is balanced anew
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", p.frontend)
		},
	}}
	config := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(p.config(servers)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run(program, config, filepath.Join(dir, "log"))
	for _, name := range drained {
		p.Ask("set server " + Backend + "/" + name + " state drain")
	}
	return p
}

func (p *Proxy) config(servers map[string]string) string {
	lines := []string{
		"global", "    stats socket " + p.Socket + " level admin",
		"defaults", "    mode http", "    timeout connect 5s", "    timeout client 30s", "    timeout server 30s",
		// Of a check, connecting may take no longer than inter: a busy machine is not to be taken for an ill server.
		"    timeout check 10s",
		"frontend in", "    bind unix@" + p.frontend, "    default_backend " + Backend,
		"backend " + Backend, "    option httpchk GET /", "    default-server check inter 100ms fall 3 rise 1",
	}
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		lines = append(lines, "    server "+name+" "+servers[name])
	}
	return strings.Join(lines, "\n") + "\n"
}

// run starts HAProxy and returns when it answers. It dies with the test.
func (p *Proxy) run(program, config, log string) {
	p.t.Helper()
	out, err := os.Create(log)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(program, "-db", "-f", config)
	cmd.Stdout, cmd.Stderr = out, out
	child, err := proctest.Start(cmd)
	if err != nil {
		p.t.Fatalf("start haproxy: %v", err)
	}
	p.t.Cleanup(child.Kill)
	for deadline := time.Now().Add(patience); ; {
		if _, err := p.ask("show info"); err == nil {
			return
		}
		select {
		case <-child.Exited():
		case <-time.After(2 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		words, _ := os.ReadFile(log)
		p.t.Fatalf("haproxy does not start:\n%s", words)
	}
}

// Ask sends a line to the runtime API and returns the answer.
func (p *Proxy) Ask(line string) string {
	p.t.Helper()
	answer, err := p.ask(line)
	if err != nil {
		p.t.Fatalf("ask haproxy: %v", err)
	}
	return answer
}

func (p *Proxy) ask(line string) (string, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(p.t.Context(), "unix", p.Socket)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// Status is how a server stands, as HAProxy says it: UP, DOWN, DRAIN, MAINT …
func (p *Proxy) Status(server string) string {
	p.t.Helper()
	for row := range strings.Lines(p.Ask("show stat " + Backend + " 4 -1")) {
		if columns := strings.Split(row, ","); len(columns) > 17 && columns[1] == server {
			return columns[17]
		}
	}
	p.t.Fatalf("haproxy knows no server %s", server)
	return ""
}

// Get makes a request through HAProxy, as a client on a connection of its own, and
// returns the body of a 200.
func (p *Proxy) Get() (string, error) {
	ask, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://shop/", nil)
	if err != nil {
		return "", err
	}
	answer, err := p.client.Do(ask)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", answer.StatusCode)
	}
	return string(body), err
}
