package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/services/standalone/chaos"
)

const (
	// answerWithin is how long a client waits for an answer before it asks again, another gateway: less than a frozen one
	// is frozen for.
	answerWithin = 5 * time.Second
	// askAgainAfter and lookAgainAfter are the pauses of clients that repeat a request, and that wait for something.
	askAgainAfter  = 250 * time.Millisecond
	lookAgainAfter = 700 * time.Millisecond
)

// follow is what people do with one deployment, from the order to the end.
func (r *chaosRun) follow(o chaos.Order) {
	r.awaitTime(o.At)
	servers := make([]string, len(o.Hosts))
	for i, host := range o.Hosts {
		servers[i] = r.names[host]
	}
	body := map[string]any{"application": app, "version": version(o.Version), "servers": servers, "keep": 3}
	for name, value := range o.Course {
		body[name] = value
	}
	if strategy, ok := body["strategy"].(map[string]any); ok && len(o.Balancers) > 0 {
		body["strategy"] = r.throughBalancers(o, strategy)
	}
	if o.StartIn > 0 {
		body["start_at"] = time.Now().Add(o.StartIn).UTC().Format(time.RFC3339)
	}
	id := r.obtain(o, o.Kind, "/v1/deployments", body, o.Begins)
	if id == "" || o.Person.Idle() {
		return
	}
	state := r.attend(id, o)
	if state == "" || o.Person.Then == "" || o.Person.Then == "retry" && state != "failed" {
		return
	}
	r.obtain(o, o.Person.Then+" of "+id, "/v1/deployments/"+id+"/"+o.Person.Then, map[string]any{}, -1)
}

// throughBalancers is the strategy with the names of those that are to switch traffic.
func (r *chaosRun) throughBalancers(o chaos.Order, strategy map[string]any) map[string]any {
	var names []string
	for _, host := range o.Balancers {
		names = append(names, r.names[host])
	}
	strategy = maps.Clone(strategy)
	traffic := maps.Clone(strategy["traffic"].(map[string]any))
	traffic["servers"] = names
	strategy["traffic"] = traffic
	return strategy
}

// obtain asks for a deployment until there is an answer, always with the same key, and returns its id, if it was accepted.
func (r *chaosRun) obtain(o chaos.Order, kind, path string, body map[string]any, begins int) (id string) {
	known := &chaos.Request{Key: uniqueKey(), Kind: kind, Begins: begins}
	r.mu.Lock()
	r.requests = append(r.requests, known)
	r.mu.Unlock()
	ask := request{method: "POST", path: path, body: body, header: map[string]string{"Idempotency-Key": known.Key}}
	times := 1
	if o.Repeat {
		times = 2
	}
	for n := range times {
		a, answered := r.ask(o.Gateway+n, ask)
		if !answered {
			return ""
		}
		var d deployment
		accepted := a.status == http.StatusAccepted && json.Unmarshal(a.body, &d) == nil
		r.timeline.add("%s, key %s: %d %s", kind, known.Key, a.status, d.ID)
		switch {
		case accepted && !slices.Contains(known.IDs, d.ID):
			known.IDs = append(known.IDs, d.ID)
		case !accepted && n == 0 && a.status == http.StatusConflict && path != "/v1/deployments":
			known.Refused = a.String() // nothing to retry, say
			return ""
		case !accepted:
			r.complain(id, "%s %s is answered with %s", ask.method, path, a)
		}
		id = d.ID
	}
	return id
}

// ask sends a request to one gateway after the other until it is answered for good.
func (r *chaosRun) ask(gateway int, ask request) (a answer, answered bool) {
	for ; !r.over(); gateway++ {
		a, err := r.clients[gateway%len(r.clients)].do(ask)
		if err == nil && !passing(a) {
			return a, true
		}
		<-time.After(askAgainAfter)
	}
	return answer{}, false
}

// passing says whether an answer is none yet.
func passing(a answer) bool {
	var p problem
	_ = json.Unmarshal(a.body, &p) // an answer of another kind has no code
	return a.status >= 500 || a.header.Get("Retry-After") != "" || p.Code == "idempotency_in_progress"
}

// attend does with a deployment what the person does, and returns the state in which it has ended.
func (r *chaosRun) attend(id string, o chaos.Order) (state string) {
	begin, p, done := time.Now(), o.Person, map[string]bool{}
	once := func(verb string, body map[string]string) {
		if !done[verb] {
			done[verb] = true
			r.control(o, id, verb, body)
		}
	}
	for ; !r.over(); <-time.After(lookAgainAfter) {
		since := time.Since(begin)
		if p.PauseAfter > 0 && since >= p.PauseAfter {
			once("pause", nil)
		}
		if p.PausedFor > 0 && since >= p.PauseAfter+p.PausedFor {
			once("resume", nil)
		}
		if p.CancelAfter > 0 && since >= p.CancelAfter {
			once("cancel", map[string]string{"reason": "chaos"})
		}
		a, answered := r.ask(o.Gateway, request{method: "GET", path: "/v1/deployments/" + id})
		if !answered {
			return ""
		}
		var at struct{ State, Cause, Digest string }
		if a.status != http.StatusOK || json.Unmarshal(a.body, &at) != nil {
			r.complain(id, "it was accepted, and is answered with %s", a)
			continue
		}
		switch {
		case deployment{State: at.State}.ended():
			return at.State
		case at.State == "awaiting_approval" && p.OnApproval == "approve":
			once("approve", map[string]string{"digest": at.Digest})
		case at.State == "awaiting_approval" && p.OnApproval != "":
			once(p.OnApproval, nil)
		case at.State == "holding" && p.OnHolding != "":
			once(p.OnHolding, nil)
		case at.State == "paused" && at.Cause == "budget_spent" && p.OnBudget != "":
			r.control(o, id, p.OnBudget, nil) // the budget may be spent again
		}
	}
	return ""
}

// control asks for something until it is done, or refused because of the state.
func (r *chaosRun) control(o chaos.Order, id, verb string, body map[string]string) {
	if body == nil {
		body = map[string]string{}
	}
	a, answered := r.ask(o.Gateway+1, request{method: "POST", path: "/v1/deployments/" + id + "/" + verb, body: body})
	if !answered {
		r.complain(id, "%s was never answered", verb)
		return
	}
	r.timeline.add("%s of %s: %s", verb, id, a)
	if a.status != http.StatusOK && a.status != http.StatusConflict {
		r.complain(id, "%s is answered with %s", verb, a)
	}
}

func (r *chaosRun) complain(id, what string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.odd = append(r.odd, chaos.Breach{Deployment: id, What: fmt.Sprintf(what, args...)})
}
