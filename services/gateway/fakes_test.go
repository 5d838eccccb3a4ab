package gateway_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
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

// serve registers a replica of the service, which is ready, until the test ends.
func (f *fixture) serve(service string) *bus.Replica {
	f.Helper()
	r, err := bus.Serve(context.WithoutCancel(f.Context()), f.bus.Conn(), bus.About{Name: "slipway-" + service})
	require.NoError(f, err)
	f.Cleanup(r.Stop)
	r.Ready()
	return r
}

// complete starts what a gateway needs to be ready, and waits until it is.
func (f *fixture) complete() {
	f.Helper()
	for _, service := range []string{"history", "scheduler", "executor"} {
		f.heard(f.serve(service))
	}
	f.eventually(func() bool { return f.get("/readyz").StatusCode == 200 }, "it does not get ready")
}

// heard waits until the gateway has heard the replica say that it is ready. Before, a count may find it, and take it
// for ready until its first words are read, which say that it is not yet.
func (f *fixture) heard(r *bus.Replica) {
	f.Helper()
	f.eventually(func() bool {
		res := f.get("/v1/service-events?state=ready&replica=" + r.ID())
		return res.StatusCode == 200 && len(res.column("id")) == 1
	}, "the gateway does not hear of it")
}

// history answers as history does, from what a test tells it.
type history struct {
	mu          sync.Mutex
	deployments map[string]contract.Deployment
	targets     map[string][]contract.TargetStatus
	said        []contract.TargetLine // on the hosts of every deployment
	failAfter   string                // position of output from which on there is no answer
	asked       []contract.Message
}

// withHistory starts a history that knows nothing yet.
func (f *fixture) withHistory() *history {
	f.Helper()
	h := &history{deployments: map[string]contract.Deployment{}, targets: map[string][]contract.TargetStatus{}}
	f.respond(contract.QueryDeployment, h.deployment)
	f.respond(contract.QueryDeployments, h.list)
	f.respond(contract.QueryTargets, h.listTargets)
	f.respond(contract.QueryOutput, h.output)
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
		matches := (asked.After == nil || id < asked.After.ID) && (asked.State == "" || d.State == asked.State) &&
			(asked.Application == "" || d.Application == asked.Application) && (asked.Batch == "" || d.Batch == asked.Batch) &&
			(asked.Stage == "" || d.Stage == asked.Stage) && (asked.Template == "" || d.Template == asked.Template)
		for _, n := range asked.Metadata {
			matches = matches && slices.Contains(d.Metadata, n)
		}
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

func (h *history) output(m contract.Message) contract.Body {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, m)
	asked := m.Body.(contract.ListOutput)
	switch {
	case h.deployments[m.Deployment].ID == "":
		return contract.Refused{Code: contract.RefusedNotFound, Message: "no such deployment"}
	case asked.Server == "nowhere":
		return contract.Refused{Code: contract.RefusedInvalid, Field: "server", Message: "none of them"}
	case strings.Contains(asked.After, ","):
		return contract.Refused{Code: contract.RefusedInvalid, Field: "after", Message: "it has one piece"}
	}
	if asked.After != "" && asked.After == h.failAfter {
		return contract.Refused{Code: contract.RefusedUnavailable, Message: "it is told to"}
	}
	if asked.Last {
		end := len(h.said)
		if asked.Before != "" {
			end, _ = strconv.Atoi(asked.Before)
		}
		first := max(0, end-asked.Limit)
		page := contract.Output{Lines: h.said[first:end], Position: strconv.Itoa(len(h.said)), More: first > 0}
		if page.More {
			page.Before = strconv.Itoa(first)
		}
		return page
	}
	at, _ := strconv.Atoi(asked.After)
	end := min(at+asked.Limit, len(h.said))
	return contract.Output{Lines: h.said[at:end], Position: strconv.Itoa(end), More: end < len(h.said)}
}

// scheduler answers as a scheduler does, from what a test tells it.
type scheduler struct {
	mu     sync.Mutex
	states map[string]string // by deployment; none: it does not know the deployment
	cause  string
	no     string // why it refuses everything; empty: it does not
	asked  []contract.Message

	places   map[string]string // of deployments that have one: their projects
	room     int               // for so many of them
	hosts    []contract.HostLock
	slots    contract.Slots
	admitted []contract.Message // who asked for a place
	broken   []contract.Message
}

// withScheduler starts a scheduler that knows of nothing yet.
func (f *fixture) withScheduler() *scheduler {
	f.Helper()
	s := &scheduler{states: map[string]string{}, places: map[string]string{}}
	f.respond(contract.Controls, s.control)
	f.respond(contract.Admissions, s.admit)
	f.respond(contract.QueryLocks, s.locks)
	f.respond(contract.LockBreaks, s.breakLock)
	return s
}

func (s *scheduler) stand(deployment, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[deployment] = state
}

func (s *scheduler) refuse(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.no = why
}

// times is how often it was asked for anything.
func (s *scheduler) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// lastAsked returns what was asked for last, and of which deployment.
func (s *scheduler) lastAsked() (string, contract.Control) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		return "", contract.Control{}
	}
	m := s.asked[len(s.asked)-1]
	return m.Deployment, m.Body.(contract.Control)
}

func (s *scheduler) control(m contract.Message) contract.Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, m)
	state, known := s.states[m.Deployment]
	switch {
	case !known:
		return contract.Refused{Code: contract.RefusedNotFound, Message: "no such deployment"}
	case s.no != "":
		return contract.Refused{Code: contract.RefusedConflict, Message: s.no}
	}
	return contract.Controlled{State: state, Cause: s.cause}
}

// makeRoom lets so many deployments have a place.
func (s *scheduler) makeRoom(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room = n
}

// asksForPlaces is how often a place was asked for.
func (s *scheduler) asksForPlaces() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.admitted)
}

func (s *scheduler) admit(m contract.Message) contract.Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admitted = append(s.admitted, m)
	if _, has := s.places[m.Deployment]; !has && len(s.places) >= s.room {
		return contract.Refused{Code: contract.RefusedLimit, Message: "2 deployments are under way, and no more may be"}
	}
	s.places[m.Deployment] = m.Project
	return contract.Admitted{}
}

// lock says who has a host, and who waits for it.
func (s *scheduler) lock(host, owner string, waiting ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts = append(s.hosts, contract.HostLock{Host: host, Owner: owner, Waiting: waiting})
	slices.SortFunc(s.hosts, func(a, b contract.HostLock) int { return cmp.Compare(a.Host, b.Host) })
}

func (s *scheduler) locks(m contract.Message) contract.Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := m.Body.(contract.ListLocks)
	page := contract.Locks{Hosts: []contract.HostLock{}, Slots: s.slots}
	for _, l := range s.hosts {
		switch {
		case l.Host <= asked.After || asked.Host != "" && l.Host != asked.Host:
		case len(page.Hosts) == asked.Limit:
			page.More = true
		default:
			page.Hosts = append(page.Hosts, l)
		}
	}
	return page
}

func (s *scheduler) breakLock(m contract.Message) contract.Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, m)
	asked := m.Body.(contract.BreakLock)
	at := slices.IndexFunc(s.hosts, func(l contract.HostLock) bool { return l.Host == m.Host })
	switch {
	case at < 0:
		return contract.Refused{Code: contract.RefusedNotFound, Message: "nobody has it"}
	case s.hosts[at].Owner != asked.Deployment:
		return contract.Refused{Code: contract.RefusedConflict, Message: "deployment " + s.hosts[at].Owner + " has it"}
	}
	s.hosts = slices.Delete(s.hosts, at, at+1)
	return contract.LockBroken{Deployment: asked.Deployment}
}

// brokenLocks returns what locks were to be broken.
func (s *scheduler) brokenLocks() []contract.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.broken)
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
