package chaos

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// sound is the evidence of a run in which nothing is wrong: one deployment to two hosts, one of which took two attempts,
// and one that was never approved.
func sound() Evidence {
	work := func(token uint64) Entry { return Entry{Tool: "mv", Step: "switch", Token: token, Alone: true} }
	return Evidence{
		Requests: []Request{
			{Key: "one", Kind: "all", IDs: []string{"d1"}, Begins: -1},
			{Key: "two", Kind: "not approved", IDs: []string{"d2"}, Begins: 0},
			{Key: "three", Kind: "retry", Refused: "409"},
		},
		Events: []Event{
			{Seq: 1, Type: accepted, Deployment: "d1", Targets: 2},
			{Seq: 2, Type: accepted, Deployment: "d2", Targets: 1},
			{Seq: 3, Type: started, Deployment: "d1", Host: "a"},
			{Seq: 4, Type: started, Deployment: "d1", Host: "b"},
			{Seq: 5, Type: "job.step", Deployment: "d1", Host: "a", Token: 3},
			{Seq: 6, Type: started, Deployment: "d1", Host: "a"},
			{Seq: 7, Type: ended, Deployment: "d1", Host: "a", Token: 6, State: "succeeded", Release: "v1"},
			{Seq: 8, Type: ended, Deployment: "d1", Host: "b", Token: 4, State: "succeeded", Release: "v1"},
			{Seq: 9, Type: concluded, Deployment: "d1", State: "succeeded"},
			{Seq: 10, Type: ended, Deployment: "d2", Host: "a", State: "skipped"},
			{Seq: 11, Type: concluded, Deployment: "d2", State: "rejected"},
		},
		Documents: map[string]Document{
			"d1": {State: "succeeded", Targets: 2, Counts: []Counts{{Succeeded: 2}}},
			"d2": {State: "rejected", Targets: 1, Counts: []Counts{{Skipped: 1}}},
		},
		Hosts: []Host{
			{Name: "host-a", ID: "a", Ran: []string{"v1"}, Current: "v1", Journal: []Entry{work(3), work(6), {Link: "releases/v1", Whole: true}}},
			{Name: "host-b", ID: "b", Ran: []string{"v1"}, Current: "v1", Journal: []Entry{work(4), {Link: "releases/v1", Whole: true}}},
		},
	}
}

func TestNothingIsWrongWithASoundRun(t *testing.T) { require.Empty(t, Judge(sound())) }

// spoiled is every way in which a run can be wrong, by what the judge says of it.
var spoiled = map[string]func(e *Evidence){
	"is answered with":                            func(e *Evidence) { e.Requests[0].IDs = append(e.Requests[0].IDs, "d3") },
	"was never answered":                          func(e *Evidence) { e.Requests[2].Refused = "" },
	"answered to two keys":                        func(e *Evidence) { e.Requests[2].IDs = []string{"d1"} },
	"deployment d9: 0 events deployment.accepted": func(e *Evidence) { e.Events[8].RolledBackBy = "d9" },
	"no client was ever":                          func(e *Evidence) { e.Requests = e.Requests[:1] },
	"0 events deployment":                         func(e *Evidence) { e.Events = without(e.Events, 9) },
	"2 events deployment":                         func(e *Evidence) { e.Events = append(e.Events, e.Events[8]) },
	"1 of 2 targets ended":                        func(e *Evidence) { e.Events = without(e.Events, 8) },
	"0 terminal events":                           func(e *Evidence) { e.Events = without(e.Events, 8) },
	"2 terminal events":                           func(e *Evidence) { e.Events = append(e.Events, e.Events[7]) },
	"the job had ended":                           func(e *Evidence) { e.Events = append(e.Events, e.Events[7]) },
	"the host is that of":                         func(e *Evidence) { e.Events[6].Token = 3 },
	"has not ended on":                            func(e *Evidence) { e.Events[5].Deployment = "d2" },
	"and may on 0":                                func(e *Evidence) { e.Requests[0].Begins = 0 },
	"on a sound host: superseded": func(e *Evidence) { // by nobody
		e.Events[6].State, e.Events[6].Failure = "failed", "superseded"
	},
	"on a sound host: boom": func(e *Evidence) { e.Events[6].State, e.Events[6].Failure = "failed", "boom" },
	"there is no document":  func(e *Evidence) { delete(e.Documents, "d1") },
	"and no event":          func(e *Evidence) { e.Documents["d3"] = Document{} },
	"the document says":     func(e *Evidence) { e.Documents["d1"] = Document{State: "failed", Counts: []Counts{{Succeeded: 2}}} },
	"the document counts":   func(e *Evidence) { e.Documents["d1"] = Document{State: "succeeded", Counts: []Counts{{Running: 2}}} },
	"LOCKS still holds it":  func(e *Evidence) { e.Held = []string{"a"} },
	"left in JOBS":          func(e *Evidence) { e.Jobs = 1 },
	"another command was":   func(e *Evidence) { e.Hosts[0].Journal[1].Alone = false },
	"no such attempt":       func(e *Evidence) { e.Hosts[0].Journal[1].Token = 4 },
	"had been at work":      func(e *Evidence) { e.Hosts[0].Journal = append(e.Hosts[0].Journal, e.Hosts[0].Journal[0]) },
	"no whole release":      func(e *Evidence) { e.Hosts[0].Journal[2].Whole = false },
	"the journal saw":       func(e *Evidence) { e.Hosts[0].Journal[2].Link = "releases/v2" },
	"the watcher saw":       func(e *Evidence) { e.Hosts[0].Ran = []string{"v2", "v1"} },
	"it runs":               func(e *Evidence) { e.Hosts[0].Current = "v2" },
	"current is away":       func(e *Evidence) { e.Hosts[0].Breaches = []string{"current is away"} },
}

func TestABreachNamesItsDeploymentAndHost(t *testing.T) {
	e := sound()
	e.Events[6].State, e.Events[6].Failure = "failed", "boom"
	require.Contains(t, Judge(e), Breach{"d1", "host-a", "it failed on a sound host: boom"})
	require.Equal(t, "deployment d1: host host-a: x", Breach{"d1", "host-a", "x"}.String())
	require.Equal(t, "host host-a: x", Breach{Host: "host-a", What: "x"}.String())
	require.Equal(t, "x", Breach{What: "x"}.String())
}

func without(events []Event, seq uint64) (left []Event) {
	for _, e := range events {
		if e.Seq != seq {
			left = append(left, e)
		}
	}
	return left
}

func TestTheJudgeSeesEveryBreach(t *testing.T) {
	for says, spoil := range spoiled {
		e := sound()
		spoil(&e)
		var said string
		for _, breach := range Judge(e) {
			said += breach.String() + "\n"
		}
		require.Contains(t, said, says)
	}
}

func TestAnEventIsReadAsItIsStored(t *testing.T) {
	e, err := ReadEvent(7, []byte(`{"v":1,"id":"x","type":"slipway.v1.ev.job.ended","deployment":"d","host":"h","token":5,
		"data":{"state":"failed","release":"v1","failure":{"code":"unreachable","reason":"…"}}}`))
	require.NoError(t, err)
	require.Equal(t, Event{Seq: 7, Type: ended, Deployment: "d", Host: "h", Token: 5, State: "failed", Release: "v1", Failure: "unreachable"}, e)
	for _, bad := range []string{"", "{}", `{"type":"slipway.v1.job","deployment":"d"}`} {
		_, err := ReadEvent(7, []byte(bad))
		require.ErrorIs(t, err, errEvent)
	}
}
