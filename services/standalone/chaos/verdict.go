package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Breach is something that must not be.
type Breach struct {
	Deployment, Host string // empty where it is not about one
	What             string
}

func (b Breach) String() string {
	text := b.What
	if b.Host != "" {
		text = "host " + b.Host + ": " + text
	}
	if b.Deployment != "" {
		text = "deployment " + b.Deployment + ": " + text
	}
	return text
}

// Judge returns everything that is wrong. It names hosts as people do, where it knows their names.
func Judge(e Evidence) []Breach {
	var all []Breach
	names := map[string]string{}
	for _, h := range e.Hosts {
		names[h.ID] = h.Name
	}
	for _, rule := range []func(Evidence) []Breach{
		judgeRequests, judgeEndings, judgeStories, judgeLimits, judgeFailures, judgeDocuments, judgeHosts, judgeLeftovers,
	} {
		for _, breach := range rule(e) {
			breach.Host = cmp.Or(names[breach.Host], breach.Host)
			all = append(all, breach)
		}
	}
	return all
}

// judgeRequests: every request was answered; one key is one deployment; and nothing ran that nobody was told of.
func judgeRequests(e Evidence) (breaches []Breach) {
	known := map[string]string{}
	for _, r := range e.Requests {
		switch {
		case len(r.IDs) > 1:
			breaches = append(breaches, Breach{What: fmt.Sprintf("one key, %s (%s), is answered with %q", r.Key, r.Kind, r.IDs)})
		case len(r.IDs) == 0 && r.Refused == "":
			breaches = append(breaches, Breach{What: fmt.Sprintf("the request %s (%s) was never answered", r.Key, r.Kind)})
		}
		for _, id := range r.IDs {
			if other, taken := known[id]; taken {
				breaches = append(breaches, Breach{Deployment: id, What: fmt.Sprintf("answered to two keys, %s and %s", other, r.Key)})
			}
			known[id] = r.Key
		}
	}
	for of, back := range rollbacks(e.Events) {
		if _, told := known[of]; told {
			known[back] = of
		}
	}
	for id := range byDeployment(e.Events) {
		if _, told := known[id]; !told {
			breaches = append(breaches, Breach{Deployment: id, What: "it ran, and no client was ever told of it"})
		}
	}
	return breaches
}

// judgeEndings: every accepted deployment ended, once, and so did each of its targets.
func judgeEndings(e Evidence) (breaches []Breach) {
	stories := byDeployment(e.Events)
	for _, r := range e.Requests {
		for _, id := range r.IDs {
			breaches = append(breaches, judgeEnding(id, stories[id])...)
		}
	}
	for _, id := range rollbacks(e.Events) {
		breaches = append(breaches, judgeEnding(id, stories[id])...)
	}
	return breaches
}

// rollbacks is which deployments say that they were taken back, and by which.
func rollbacks(events []Event) map[string]string {
	all := map[string]string{}
	for _, event := range events {
		if event.RolledBackBy != "" {
			all[event.Deployment] = event.RolledBackBy
		}
	}
	return all
}

func judgeEnding(id string, events []Event) (breaches []Breach) {
	count, targets, ends := map[string]int{}, 0, map[string]int{}
	for _, event := range events {
		count[event.Type]++
		switch event.Type {
		case accepted:
			targets = event.Targets
		case ended:
			ends[event.Host]++
		}
	}
	for _, kind := range []string{accepted, concluded} {
		if count[kind] != 1 {
			breaches = append(breaches, Breach{Deployment: id, What: fmt.Sprintf("%d events %s", count[kind], kind)})
		}
	}
	for host, times := range ends {
		if times != 1 {
			breaches = append(breaches, Breach{id, host, fmt.Sprintf("it ended %d times", times)})
		}
	}
	if len(ends) != targets {
		breaches = append(breaches, Breach{Deployment: id, What: fmt.Sprintf("%d of %d targets ended", len(ends), targets)})
	}
	return breaches
}

func judgeStories(e Evidence) []Breach { return Stories(e.Events) }

// Stories returns what is wrong with the events as stories of hosts: one job comes after the other, no word is said of a
// job once the next one has begun, none under another token than that of the last attempt, and each story that was begun
// ends exactly once.
func Stories(events []Event) (breaches []Breach) {
	type turn struct {
		deployment string
		token      uint64
		ended      bool
	}
	turns := map[string]turn{} // whose turn it is on each host
	ends := map[[2]string]int{}
	for _, e := range events {
		if e.Host == "" || e.Type == output { // who was overtaken may still pass on what was said
			continue
		}
		now, of := turns[e.Host], [2]string{e.Deployment, e.Host}
		wrong := func(what string, args ...any) {
			breaches = append(breaches, Breach{e.Deployment, e.Host, fmt.Sprintf("event %d, %s: ", e.Seq, e.Type) + fmt.Sprintf(what, args...)})
		}
		ends[of] += 0
		if e.Type == ended {
			ends[of]++
		}
		switch {
		case e.Type == started:
			if now.deployment != "" && !now.ended && now.deployment != e.Deployment {
				wrong("%s has not ended on the host", now.deployment)
			}
			turns[e.Host] = turn{deployment: e.Deployment, token: e.Seq}
		case e.Token == 0 && e.Type == ended: // never begun, so without a turn
		case now.deployment != e.Deployment || now.token != e.Token:
			wrong("the host is that of %s with token %d", now.deployment, now.token)
		case now.ended:
			wrong("the job had ended")
		default:
			now.ended = e.Type == ended
			turns[e.Host] = now
		}
	}
	for of, times := range ends {
		if times != 1 {
			breaches = append(breaches, Breach{of[0], of[1], fmt.Sprintf("%d terminal events", times)})
		}
	}
	return breaches
}

// judgeLimits: what was not approved, or whose canary was not promoted, began on no more hosts than it may.
func judgeLimits(e Evidence) (breaches []Breach) {
	began := map[string]map[string]bool{}
	for _, event := range e.Events {
		if event.Type == started {
			if began[event.Deployment] == nil {
				began[event.Deployment] = map[string]bool{}
			}
			began[event.Deployment][event.Host] = true
		}
	}
	for _, r := range e.Requests {
		for _, id := range r.IDs {
			if hosts := len(began[id]); r.Begins >= 0 && hosts > r.Begins {
				breaches = append(breaches, Breach{Deployment: id, What: fmt.Sprintf("%s: it began on %d hosts, and may on %d", r.Kind, hosts, r.Begins)})
			}
		}
	}
	return breaches
}

// judgeFailures: whatever becomes of Slipway's processes, a deployment fails on no host that did not break down. What runs
// may have nothing before it to be rolled back to, and what others have begun on since is left to them.
func judgeFailures(e Evidence) (breaches []Breach) {
	frail := map[string]bool{}
	for _, h := range e.Hosts {
		frail[h.ID] = h.Frail
	}
	others := othersIn(e.Events)
	for _, event := range e.Events {
		code := event.Failure
		switch {
		case event.Type != ended || event.State != "failed" || frail[event.Host] || code == "no_previous":
		case code == "superseded" && others.began(event):
		default:
			breaches = append(breaches, Breach{event.Deployment, event.Host, "it failed on a sound host: " + cmp.Or(code, "for no reason")})
		}
	}
	return breaches
}

// others is which deployments began where.
type others struct {
	of    map[string]string // by a deployment that takes another back by itself: the other
	since map[string]uint64 // by deployment: when it was accepted
	begun map[string][]Event
}

func othersIn(events []Event) others {
	o := others{of: map[string]string{}, since: map[string]uint64{}, begun: map[string][]Event{}}
	for _, e := range events {
		switch e.Type {
		case accepted:
			o.since[e.Deployment] = e.Seq
		case started:
			o.begun[e.Host] = append(o.begun[e.Host], e)
		case concluded:
			if e.RolledBackBy != "" {
				o.of[e.RolledBackBy] = e.Deployment
			}
		}
	}
	return o
}

// began says whether another deployment had begun on the host by this event, and since its own was accepted, or the one
// that this takes back.
func (o others) began(e Event) bool {
	since := o.since[cmp.Or(o.of[e.Deployment], e.Deployment)]
	return slices.ContainsFunc(o.begun[e.Host], func(other Event) bool {
		return since < other.Seq && other.Seq < e.Seq && other.Deployment != e.Deployment && other.Deployment != o.of[e.Deployment]
	})
}

// judgeDocuments: documents say of every deployment what EV says.
func judgeDocuments(e Evidence) (breaches []Breach) {
	stories := byDeployment(e.Events)
	for id := range e.Documents {
		if stories[id] == nil {
			breaches = append(breaches, Breach{Deployment: id, What: "there is a document, and no event"})
		}
	}
	for id, events := range stories {
		document, there := e.Documents[id]
		if !there {
			breaches = append(breaches, Breach{Deployment: id, What: "there is no document"})
			continue
		}
		said, state := map[string]int{}, ""
		for _, event := range events {
			switch event.Type {
			case ended:
				said[event.State]++
			case concluded:
				state = event.State
			}
		}
		if document.State != state {
			breaches = append(breaches, Breach{Deployment: id, What: fmt.Sprintf("the document says %s, EV says %s", document.State, state)})
		}
		if counted := document.byState(); !maps.Equal(said, counted) {
			breaches = append(breaches, Breach{Deployment: id, What: fmt.Sprintf("the document counts %v, EV %v", counted, said)})
		}
	}
	return breaches
}

// byState is how many targets are in each state that some are in.
func (d Document) byState() map[string]int {
	all := map[string]int{}
	for _, c := range d.Counts {
		for state, n := range map[string]int{
			"pending": c.Pending, "running": c.Running, "succeeded": c.Succeeded,
			"failed": c.Failed, "skipped": c.Skipped, "cancelled": c.Cancelled,
		} {
			if n > 0 {
				all[state] += n
			}
		}
	}
	return all
}

// judgeLeftovers: nothing is held for deployments that have ended.
func judgeLeftovers(e Evidence) (breaches []Breach) {
	for _, server := range e.Held {
		breaches = append(breaches, Breach{Host: server, What: "LOCKS still holds it"})
	}
	if e.Jobs > 0 {
		breaches = append(breaches, Breach{What: fmt.Sprintf("%d jobs are left in JOBS", e.Jobs)})
	}
	return breaches
}

func byDeployment(events []Event) map[string][]Event {
	stories := map[string][]Event{}
	for _, e := range events {
		stories[e.Deployment] = append(stories[e.Deployment], e)
	}
	return stories
}

// inOrder says whether seen is what is left of all when some of it is passed over.
func inOrder(seen, all []string) bool {
	for _, one := range all {
		if len(seen) > 0 && seen[0] == one {
			seen = seen[1:]
		}
	}
	return len(seen) == 0
}

// turnsOf is a list without the repeats that follow each other.
func turnsOf(all []string) []string { return slices.Compact(slices.Clone(all)) }
