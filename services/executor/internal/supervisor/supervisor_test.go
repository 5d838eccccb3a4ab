package supervisor

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/supervisortest"
)

// over asks through the socket itself.
func over(socket string) Supervisor {
	return Supervisor{Ask: func(ctx context.Context, question string) (string, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return "", err
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, question); err != nil {
			return "", err
		}
		answer, err := io.ReadAll(conn)
		return string(answer), err
	}}
}

// started counts how often a program that says so has started.
func started(t *testing.T, s *supervisortest.Supervisor, name string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.Dir, name))
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(t, err)
	return strings.Count(string(content), "x")
}

func program(name, command, more string) string {
	return "[program:" + name + "]\ncommand=/bin/sh -c \"echo x >>%(here)s/../" + name + "; " + command + "\"\nstartsecs=0\nautorestart=false\n" + more
}

func TestProgramsAndGroupsAreRestarted(t *testing.T) {
	s := supervisortest.Start(t, map[string]string{
		"shop.conf":  program("shop", "exec sleep 600", ""),
		"pair.conf":  program("pair", "exec sleep 600", "numprocs=2\nprocess_name=pair_%(process_num)d\nautostart=false\n"),
		"group.conf": program("a", "exec sleep 600", "") + program("b", "exec sleep 600", "") + "[group:both]\nprograms=a,b\n",
		"bad.conf":   "[program:bad]\ncommand=/bin/sh -c \"exit 3\"\nstartsecs=1\nstartretries=0\nautostart=false\n",
		"none.conf":  "[program:none]\ncommand=/no/such/program\nstartretries=0\nautostart=false\n",
	})
	v := over(s.Socket)
	ctx := t.Context()
	require.Eventually(t, func() bool { return started(t, s, "shop") == 1 && started(t, s, "a") == 1 }, time.Minute, time.Millisecond)

	require.NoError(t, v.Restart(ctx, "shop"))
	require.Eventually(t, func() bool { return started(t, s, "shop") == 2 }, time.Minute, time.Millisecond)
	require.NoError(t, v.Alive(ctx, "shop", 0))
	require.NoError(t, v.Alive(ctx, "shop:shop", 0))
	require.ErrorIs(t, v.Alive(ctx, "shop", time.Hour), ErrNotStarted)

	require.NoError(t, v.Restart(ctx, "pair"), "what does not run is started")
	require.Eventually(t, func() bool { return started(t, s, "pair") == 2 }, time.Minute, time.Millisecond)

	require.NoError(t, v.Restart(ctx, "both:a"))
	require.Eventually(t, func() bool { return started(t, s, "a") == 2 }, time.Minute, time.Millisecond)
	require.Equal(t, 1, started(t, s, "b"), "one of a group alone")
	require.NoError(t, v.Restart(ctx, "both"))
	require.Eventually(t, func() bool { return started(t, s, "b") == 2 }, time.Minute, time.Millisecond)

	err := v.Restart(ctx, "bad")
	require.ErrorIs(t, err, ErrNotStarted)
	require.ErrorContains(t, err, "bad:bad")
	err = v.Restart(ctx, "none")
	require.ErrorIs(t, err, ErrNotStarted)
	require.Eventually(t, func() bool { // it is told that it failed a moment before
		err := v.Alive(ctx, "bad", 0)
		return errors.Is(err, ErrNotStarted) && strings.Contains(err.Error(), "bad:bad is FATAL")
	}, time.Minute, time.Millisecond)
	for _, name := range []string{"nobody", "both:c", "<&>"} {
		require.ErrorIs(t, v.Restart(ctx, name), ErrUnknown, name)
		require.ErrorIs(t, v.Alive(ctx, name, 0), ErrUnknown, name)
	}
}

func TestWhatIsNoSupervisorIsRefused(t *testing.T) {
	for _, answer := range []string{"", "hello", "HTTP/1.0 403 Forbidden\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n<a", "HTTP/1.0 200 OK\r\n\r\n<a/>"} {
		v := Supervisor{Ask: func(context.Context, string) (string, error) { return answer, nil }}
		require.Error(t, v.Restart(t.Context(), "shop:shop"), answer)
	}
	broken := Supervisor{Ask: func(context.Context, string) (string, error) { return "", io.ErrClosedPipe }}
	require.ErrorIs(t, broken.Restart(t.Context(), "shop"), io.ErrClosedPipe)
}

func TestAQuestionIsOfAFixedForm(t *testing.T) {
	require.Equal(t, "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 223\r\n\r\n"+
		`<?xml version="1.0"?><methodCall><methodName>supervisor.stopProcess</methodName><params><param><value><string>a:&lt;b&gt;&#34;</string></value></param>`+
		`<param><value><boolean>1</boolean></value></param></params></methodCall>`, question("supervisor.stopProcess", []any{`a:<b>"`, true}))
}
