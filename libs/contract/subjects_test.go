package contract_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestSubjectsCarryTheVersionAndTheIDs(t *testing.T) {
	cases := []struct{ want, got, within string }{
		{"slipway.v1.cmd.deploy.d1", contract.CommandSubject(contract.VerbDeploy, "d1"), contract.CommandsAll},
		{"slipway.v1.cmd.rollback.d1", contract.CommandSubject(contract.VerbRollback, "d1"), contract.AnyCommandSubject("d1")},
		{"slipway.v1.job.dmz.h1", contract.JobSubject("dmz", "h1"), contract.JobsAll},
		{"slipway.v1.job.dmz.h1", contract.JobSubject("dmz", "h1"), contract.AnyJobSubject("h1")},
		{"slipway.v1.job.dmz.h1", contract.JobSubject("dmz", "h1"), contract.JobsOfZone("dmz")},
		{"slipway.v1.job.default.h1", contract.JobSubject("", "h1"), contract.JobsOfZone("default")},
		{"slipway.v1.query.logs.dmz", contract.LogsSubject("dmz"), contract.LogsSubject("dmz")},
		{"slipway.v1.query.releases.default", contract.ReleasesSubject(""), contract.ReleasesSubject("default")},
		{"slipway.v1.executor.default", contract.ExecutorSubject(""), contract.ExecutorSubject("default")},
		{"slipway.v1.ev.d1.job.h1", contract.JobEventSubject("d1", "h1"), contract.EventsOfJobs},
		{"slipway.v1.ev.d1.job.h1", contract.JobEventSubject("d1", "h1"), contract.DeploymentEvents("d1")},
		{"slipway.v1.ev.d1.job.h1", contract.JobEventSubject("d1", "h1"), contract.JobEventsOn("h1")},
		{"slipway.v1.ev.d1.job.h1", contract.JobEventSubject("d1", "h1"), contract.EventsAll},
		{"slipway.v1.ev.d1.sys", contract.SystemEventSubject("d1"), contract.DeploymentEvents("d1")},
		{"slipway.v1.ev.d1.sys", contract.SystemEventSubject("d1"), contract.EventsAll},
		{"slipway.v1.ev.d1.stop", contract.StopSubject("d1"), contract.DeploymentEvents("d1")},
		{"slipway.v1.ev.d1.stop", contract.StopSubject("d1"), contract.EventsAll},
		{"slipway.v1.ev.d1.stop", contract.StopSubject("d1"), contract.EventsOfStop},
		{"slipway.v1.ev.d1.output.h1", contract.OutputSubject("d1", "h1"), contract.DeploymentEvents("d1")},
		{"slipway.v1.ev.d1.output.h1", contract.OutputSubject("d1", "h1"), contract.EventsAll},
		{"slipway.v1.timer.set.d1.wake", contract.TimerSet("d1"), contract.TimersAll},
		{"slipway.v1.timer.fire.d1.wake", contract.TimerFired("d1"), contract.TimersFired},
		{"slipway.v1.timer.fire.d1.wake", contract.TimerFired("d1"), contract.TimersAll},
	}
	for _, c := range cases {
		require.Equal(t, c.want, c.got)
		require.True(t, matches(c.within, c.got), "%s is within %s", c.got, c.within)
	}
	require.False(t, matches(contract.EventsOfJobs, contract.SystemEventSubject("d1")))
	require.False(t, matches(contract.EventsOfJobs, contract.StopSubject("d1")))
	require.False(t, matches(contract.EventsOfJobs, contract.OutputSubject("d1", "h1")), "no scheduler reads it")
	require.False(t, matches(contract.JobEventsOf("d1"), contract.OutputSubject("d1", "h1")))
	require.False(t, matches(contract.EventsOfStop, contract.SystemEventSubject("d1")))
	require.False(t, matches(contract.TimersFired, contract.TimerSet("d1")), "a timer that is set does not go off")
	require.False(t, matches(contract.DeploymentEvents("d1"), contract.SystemEventSubject("d10")))
	require.False(t, matches(contract.JobsOfZone("dmz"), contract.JobSubject("dmz-2", "h1")), "filters of two zones do not overlap")
}

// matches says whether a subject is within a pattern, as NATS does.
func matches(pattern, subject string) bool {
	want, have := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range want {
		if token == ">" {
			return len(have) > i
		}
		if i >= len(have) || token != "*" && token != have[i] {
			return false
		}
	}
	return len(want) == len(have)
}

func TestOnlyIDsAreTokens(t *testing.T) {
	for _, id := range []string{"d4k2p8rme3rs73f1q0a0", "A_b-9", strings.Repeat("x", 64)} {
		require.True(t, contract.ValidToken(id), "%q", id)
	}
	for _, name := range []string{"", "a.b", "*", ">", "a b", "web/1", "Fürth", "a\n", "$x", strings.Repeat("x", 65)} {
		require.False(t, contract.ValidToken(name), "%q", name)
	}
}

func TestZonesAreShortTokensInLowerCase(t *testing.T) {
	for _, zone := range []string{contract.DefaultZone, "dmz", "eu-1_b", strings.Repeat("x", 32)} {
		require.True(t, contract.ValidZone(zone), "%q", zone)
	}
	for _, no := range []string{"", "DMZ", "a.b", "*", ">", "a b", "zürich", strings.Repeat("x", 33)} {
		require.False(t, contract.ValidZone(no), "%q", no)
	}
}

func TestASubjectSaysWhatItIsAbout(t *testing.T) {
	for subject, want := range map[string][2]string{
		contract.CommandSubject(contract.VerbDeploy, "d1"): {"d1", ""},
		contract.JobSubject("dmz", "h1"):                   {"", "h1"},
		contract.JobEventSubject("d1", "h1"):               {"d1", "h1"},
		contract.OutputSubject("d1", "h1"):                 {"d1", "h1"},
		contract.SystemEventSubject("d1"):                  {"d1", ""},
		contract.StopSubject("d1"):                         {"d1", ""},
		contract.TimerFired("d1"):                          {"d1", ""},
		contract.HookedSubject("w1"):                       {"", ""},
		contract.HookedDeadSubject("w1", "7"):              {"", ""},
		contract.QueryDeployment:                           {"", ""},
		"other.v1.ev.d1.sys":                               {"", ""},
		"":                                                 {"", ""},
	} {
		deployment, host := contract.About(subject)
		require.Equal(t, want, [2]string{deployment, host}, subject)
	}
}
