package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// gated is a script that says something, waits, and says something more.
const gated = `#!/bin/bash
echo began
until [ -e /srv/go ]; do sleep 0.05; done
echo "goes on" >&2
`

// platformMessage is one that is shown as it comes.
type platformMessage struct {
	Type         string `json:"type"`
	DeploymentID int    `json:"deployment_id"`
	Status       int    `json:"status"`
	ID           int    `json:"id"`
	TaskID       int    `json:"task_id"`
	Error        string `json:"error"`
	platformLog
}

// said is a message without what differs from run to run.
func (m platformMessage) said() string {
	switch m.Type {
	case "status":
		return "status " + strconv.Itoa(m.Status)
	case "execution":
		return "execution " + strconv.Itoa(m.ID) + " of " + strconv.Itoa(m.TaskID) + ": " + strconv.Itoa(m.Status) + m.Error
	}
	return m.Level + " " + m.Message
}

// overSocket reads messages of a WebSocket into a channel until it is closed.
func (d *devops) overSocket(t *testing.T, id int) <-chan platformMessage {
	t.Helper()
	// As a page of a browser does, which can send no header.
	address := strings.Replace(d.url, "http", "ws", 1) + "/compat/platform/api/deployments/" + strconv.Itoa(id) + "/ws?token=" + d.token
	conn, _, err := websocket.Dial(t.Context(), address, nil) //nolint:bodyclose // of a handshake, there is none
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	messages := make(chan platformMessage, 100)
	go func() {
		defer close(messages)
		for {
			_, text, err := conn.Read(t.Context())
			if err != nil {
				if websocket.CloseStatus(err) != websocket.StatusNormalClosure && t.Context().Err() == nil {
					t.Errorf("the WebSocket ends with %v", err)
				}
				return
			}
			var m platformMessage
			if err := json.Unmarshal(text, &m); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			messages <- m
		}
	}()
	return messages
}

// asEvents reads server-sent events into a channel until they end, and returns how to learn the id of the last.
func (d *devops) asEvents(t *testing.T, id int) (messages chan platformMessage, last func() string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/compat/platform/api/deployments/"+strconv.Itoa(id)+"/events", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+d.token)
	res, err := (&http.Client{Transport: d.http.Transport}).Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	messages = make(chan platformMessage, 100)
	var seq, kind string
	go func() {
		defer close(messages)
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "id":
				seq = value
			case "event":
				kind = value
			case "data":
				var m platformMessage
				if err := json.Unmarshal([]byte(value), &m); err != nil || m.Type != kind {
					t.Errorf("%s: %s: %v", kind, value, err)
				}
				messages <- m
			}
		}
		if err := lines.Err(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the events end with %v", err)
		}
	}()
	return messages, func() string { return seq }
}

// until takes messages up to one of them.
func until(t *testing.T, messages <-chan platformMessage, text string) []string {
	t.Helper()
	var all []string
	for m := range messages {
		require.Equal(t, 1, m.DeploymentID)
		require.False(t, m.Timestamp.IsZero())
		all = append(all, m.said())
		if text != "" && m.said() == text {
			return all
		}
	}
	require.Empty(t, text, "%q", all)
	return all
}

func TestPlatformShowsADeploymentAsItGoesOn(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 1)
	created := d.create(t, map[string]any{"script": gated})
	socket := d.overSocket(t, created.ID)
	events, last := d.asEvents(t, created.ID)
	before := []string{"status 0", "status 1", "execution 10000 of 1: 1", "info began"}
	require.Equal(t, before, until(t, socket, "info began"))
	require.Equal(t, before, until(t, events, "info began"))

	// What was shown is what whoever polls is told by then, and the script is still at work.
	polled := d.show(t, created.ID)
	require.Equal(t, 1, polled.Status)
	require.Len(t, polled.Logs, 1)
	require.Equal(t, "began", polled.Logs[0].Message)
	require.Equal(t, 1, polled.Executions[0].Status)
	require.Equal(t, "began\n", polled.Executions[0].Output)
	require.Nil(t, polled.Executions[0].EndTime)

	d.on(t, d.hosts[0], "touch /srv/go")
	after := []string{"info goes on", "execution 10000 of 1: 2", "status 2"}
	require.Equal(t, after, until(t, socket, ""))
	require.Equal(t, after, until(t, events, ""))

	// Who comes late is shown all of it, and who comes back nothing twice.
	events, _ = d.asEvents(t, created.ID)
	require.Equal(t, append(before, after...), until(t, events, ""))
	a := d.answered(t, request{
		method: "GET", path: "/compat/platform/api/deployments/1/events", header: map[string]string{"Last-Event-ID": last()},
	})
	require.Equal(t, http.StatusNoContent, a.status, "%s", a)
	refused := sent[platformRefusal](t, d, "GET", "/api/deployments/1/events?after=x", nil, http.StatusBadRequest)
	require.Contains(t, refused.Fields, "after")
	sent[platformRefusal](t, d, "GET", "/api/deployments/7/ws", nil, http.StatusNotFound)
}
