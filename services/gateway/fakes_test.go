package gateway_test

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// respond answers queries on a subject, as a service does, until the test ends.
func (f *fixture) respond(subject string, answer func(contract.Message) contract.Body) {
	f.Helper()
	service, err := micro.AddService(f.bus.Conn(), micro.Config{Name: "fake", Version: "0.0.1"})
	require.NoError(f, err)
	err = service.AddEndpoint("fake", micro.HandlerFunc(func(r micro.Request) {
		m, err := contract.Decode(r.Data())
		if err != nil {
			f.Errorf("a query cannot be read: %v", err)
			return
		}
		if reply := answer(m); reply != nil {
			data, err := contract.Encode(contract.Envelope{}, reply)
			if err != nil {
				f.Errorf("an answer cannot be written: %v", err)
			}
			_ = r.Respond(data)
		}
	}), micro.WithEndpointSubject(subject))
	require.NoError(f, err)
	require.NoError(f, f.bus.Conn().Flush())
	f.Cleanup(func() { _ = service.Stop() })
}

// history answers as history does, from what a test tells it.
type history struct {
	mu          sync.Mutex
	deployments map[string]contract.Deployment
	targets     map[string][]contract.TargetStatus
	asked       []contract.Message
}

// withHistory starts a history that knows nothing yet.
func (f *fixture) withHistory() *history {
	f.Helper()
	h := &history{deployments: map[string]contract.Deployment{}, targets: map[string][]contract.TargetStatus{}}
	f.respond(contract.QueryDeployment, h.deployment)
	f.respond(contract.QueryDeployments, h.list)
	f.respond(contract.QueryTargets, h.listTargets)
	return h
}

func (h *history) know(d contract.Deployment, targets ...contract.TargetStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deployments[d.ID] = d
	for i := range targets {
		targets[i].Target = i
		if targets[i].Steps == nil {
			targets[i].Steps = []contract.StepStatus{}
		}
	}
	h.targets[d.ID] = targets
}

// lastAsked returns the last query of type B.
func lastAsked[B contract.Body](h *history) (B, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.asked) - 1; i >= 0; i-- {
		if b, ok := h.asked[i].Body.(B); ok {
			return b, true
		}
	}
	var none B
	return none, false
}

func (h *history) deployment(m contract.Message) contract.Body {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, m)
	d, ok := h.deployments[m.Deployment]
	if !ok {
		return contract.Refused{Code: contract.RefusedNotFound, Message: "no such deployment"}
	}
	if d.Seq < m.Body.(contract.GetDeployment).MinSeq {
		return contract.Refused{Code: contract.RefusedUnavailable, Message: "history lags behind"}
	}
	return d
}

func (h *history) list(m contract.Message) contract.Body {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, m)
	asked := m.Body.(contract.ListDeployments)
	var page contract.Deployments
	for _, id := range sortedDown(h.deployments) {
		d := h.deployments[id]
		matches := (asked.Before == "" || id < asked.Before) && (asked.State == "" || d.State == asked.State) &&
			(asked.Application == "" || d.Application == asked.Application)
		switch {
		case !matches:
		case len(page.Deployments) == asked.Limit:
			page.More = true
		default:
			page.Deployments = append(page.Deployments, d)
		}
	}
	return page
}

func (h *history) listTargets(m contract.Message) contract.Body {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, m)
	asked := m.Body.(contract.ListTargets)
	all, ok := h.targets[m.Deployment]
	if !ok {
		return contract.Refused{Code: contract.RefusedNotFound, Message: "no such deployment"}
	}
	page := contract.Targets{Targets: []contract.TargetStatus{}}
	for i := asked.First; i < len(all); i++ {
		if len(page.Targets) == asked.Limit {
			page.Next = i
			break
		}
		if asked.State == "" || all[i].State == asked.State {
			page.Targets = append(page.Targets, all[i])
		}
	}
	return page
}

// begin publishes the first event of a deployment, as the scheduler does, and
// returns its sequence.
func (f *fixture) begin(deployment string) uint64 {
	f.Helper()
	data, err := contract.Encode(contract.Envelope{Deployment: deployment}, contract.AcceptedEvent{Kind: "deploy"})
	require.NoError(f, err)
	seq, err := f.bus.Publish(f.Context(), contract.SystemEventSubject(deployment), deployment+"-accepted", data)
	require.NoError(f, err)
	return seq
}

// command returns the command that is stored for a deployment.
func (f *fixture) command(deployment string) contract.Message {
	f.Helper()
	stored, err := f.bus.Last(f.Context(), contract.StreamCommands, contract.AnyCommandSubject(deployment))
	require.NoError(f, err)
	m, err := contract.Decode(stored.Data)
	require.NoError(f, err)
	return m
}

// commands is how many commands are stored.
func (f *fixture) commands() uint64 {
	f.Helper()
	stream, err := f.bus.JetStream().Stream(f.Context(), contract.StreamCommands)
	require.NoError(f, err)
	return stream.CachedInfo().State.Msgs
}

// finished is a deployment that succeeded, as history knows it.
func finished(id, version string, targets int) contract.Deployment {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return contract.Deployment{
		ID: id, Seq: 1, Kind: "deploy", Application: "shop", Path: "/srv/shop", Version: version, Package: id,
		Actor: "bootstrap", State: "succeeded", Targets: targets, Waves: 1,
		Counts: contract.Counts{Succeeded: targets}, AcceptedAt: at, StartedAt: &at, EndedAt: &at,
	}
}
