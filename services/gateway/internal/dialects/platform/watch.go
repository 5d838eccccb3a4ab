package platform

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// Types of messages that are shown as they come.
const (
	typeStatus    = "status"
	typeExecution = "execution"
	typeLog       = "log"
)

// statusMessage says where a deployment stands, once that changes.
type statusMessage struct {
	Type         string    `json:"type"`
	DeploymentID uint64    `json:"deployment_id"`
	Status       int       `json:"status"`
	Reason       string    `json:"reason,omitempty"`
	Timestamp    time.Time `json:"timestamp"`
}

// executionMessage says where an execution stands, once that changes.
type executionMessage struct {
	Type         string    `json:"type"`
	DeploymentID uint64    `json:"deployment_id"`
	ID           uint64    `json:"id"`
	TaskID       uint64    `json:"task_id"`
	ServerID     uint64    `json:"server_id"`
	Status       int       `json:"status"`
	Error        string    `json:"error"`
	Timestamp    time.Time `json:"timestamp"`
}

// logMessage is a line of the log.
type logMessage struct {
	Type         string `json:"type"`
	DeploymentID uint64 `json:"deployment_id"`
	entry
}

// watch shows a deployment as it goes on.
func watch(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	number, d, err := find(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	w := &watching{request: r, number: number, id: d.ID, status: -1, explained: map[string]bool{}}
	return dialects.Reply{Stream: &dialects.Stream{Deployment: d.ID, Say: w.say}}, nil
}

// watching is what one client has been shown.
type watching struct {
	request   *dialects.Request
	number    uint64
	id        string
	status    int // that was said last; -1: none
	targets   map[string]target
	numbers   map[string]uint64 // of servers
	explained map[string]bool   // servers of which it was said why they failed
}

// say implements dialects.Stream.
func (w *watching) say(ctx context.Context, e dialects.Event) ([]dialects.Message, error) {
	of, what, _ := strings.Cut(e.Type, ".")
	if of == "deployment" {
		return w.ofDeployment(e, what), nil
	}
	if err := w.know(ctx, e.Server); err != nil {
		return nil, err
	}
	switch what {
	case "output":
		return w.said(e)
	case "started":
		return []dialects.Message{w.execution(e, deploying, nil)}, nil
	case "step", "progress":
		return nil, nil
	}
	var ended struct {
		Failure *dialects.Failure `json:"failure"`
	}
	if err := json.Unmarshal(e.Data, &ended); err != nil {
		return nil, err
	}
	var messages []dialects.Message
	if ended.Failure != nil && !w.explained[e.Server] {
		messages = append(messages, w.line(entry{levelError, why(ended.Failure), e.Time, w.numbers[e.Server]}))
	}
	return append(messages, w.execution(e, statusOf(what), ended.Failure)), nil
}

// ofDeployment says where the deployment stands.
func (w *watching) ofDeployment(e dialects.Event, what string) []dialects.Message {
	if what == "planned" {
		return nil
	}
	var standing struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &standing) // some have no data
	status := statusOf(what)
	if status == w.status {
		return nil
	}
	w.status = status
	return []dialects.Message{{Type: typeStatus, Body: statusMessage{typeStatus, w.number, status, standing.Reason, e.Time}}}
}

// said says what was said on a server.
func (w *watching) said(e dialects.Event) ([]dialects.Message, error) {
	var output struct {
		Lines []line `json:"lines"`
	}
	if err := json.Unmarshal(e.Data, &output); err != nil {
		return nil, err
	}
	var messages []dialects.Message
	for _, l := range output.Lines {
		if !l.told() {
			continue
		}
		w.explained[e.Server] = w.explained[e.Server] || l.Level == levelError
		messages = append(messages, w.line(entry{l.Level, l.Text, l.Time, w.numbers[e.Server]}))
	}
	return messages, nil
}

func (w *watching) line(e entry) dialects.Message {
	return dialects.Message{Type: typeLog, Body: logMessage{typeLog, w.number, e}}
}

func (w *watching) execution(e dialects.Event, status int, failure *dialects.Failure) dialects.Message {
	whole := executionOf(w.targets[e.Server], w.number, w.numbers[e.Server])
	return dialects.Message{Type: typeExecution, Body: executionMessage{
		typeExecution, w.number, whole.ID, whole.TaskID, whole.ServerID, status, why(failure), e.Time,
	}}
}

// know reads the targets, of which the server is one.
func (w *watching) know(ctx context.Context, server string) error {
	if _, known := w.targets[server]; known {
		return nil
	}
	all, err := targets(ctx, w.request, w.id)
	if err != nil {
		return err
	}
	if w.numbers, err = serverNumbers(ctx, w.request, all); err != nil {
		return err
	}
	w.targets = map[string]target{}
	for _, t := range all {
		w.targets[t.Server] = t
	}
	return nil
}
