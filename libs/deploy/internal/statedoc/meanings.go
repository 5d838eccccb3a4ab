package statedoc

import "github.com/slipway-deploy/slipway/libs/deploy"

var notes = map[deploy.Subject]string{
	deploy.OfDeployment: "Whoever ends a deployment early stops it first. Should history not see the stop, the end counts all the same.",
	deploy.OfTarget:     "An attempt that was cut short is followed by another: `running` to `running`.",
	deploy.OfStep:       "A step begins anew with each attempt, or when it is tried again within one.",
}

var states = map[deploy.State]string{
	deploy.Accepted:         "durable, not yet planned",
	deploy.AwaitingApproval: "a person has to approve the plan",
	deploy.Scheduled:        "waits for its time",
	deploy.Pending:          "planned, waits for its wave or its host",
	deploy.Running:          "under way",
	deploy.Paused:           "what has begun goes on; a person resumes the rest",
	deploy.Holding:          "the canary is done, a person judges it",
	deploy.Halting:          "nothing begins any more; what has begun ends",
	deploy.Succeeded:        "ended as asked",
	deploy.Failed:           "ended with a reason",
	deploy.Skipped:          "never begun, because the deployment stopped; of a step: there was nothing to do",
	deploy.Cancelled:        "ended, or never begun, because a person said so",
	deploy.Rejected:         "never begun, because it was not approved",
}

type meaning struct {
	with    []deploy.State
	meaning string
}

var (
	failing = []deploy.State{deploy.Halting, deploy.Failed}

	causes = map[deploy.Cause]meaning{
		deploy.CauseHosts:          {[]deploy.State{deploy.Failed}, "hosts failed, without a limit being overrun"},
		deploy.CauseBudget:         {[]deploy.State{deploy.Paused, deploy.Halting, deploy.Failed}, "more hosts failed than may"},
		deploy.CauseUnhealthy:      {failing, "too few hosts would stay healthy"},
		deploy.CauseDeadline:       {failing, "the time was up"},
		deploy.CauseBroken:         {[]deploy.State{deploy.Failed}, "the deployment could not go on at all"},
		deploy.CauseCancelled:      {[]deploy.State{deploy.Halting, deploy.Cancelled}, "a person said so"},
		deploy.CauseNotApproved:    {[]deploy.State{deploy.Halting, deploy.Rejected}, "rejected by a person, or approved by nobody in time"},
		deploy.CauseCanary:         {[]deploy.State{deploy.Holding}, "a person is to judge the canary"},
		deploy.CauseCanaryRejected: {failing, "a person judged the canary to be bad"},
		deploy.CauseCanaryTimeout:  {failing, "nobody judged the canary in time"},
		deploy.CausePaused:         {[]deploy.State{deploy.Paused}, "a person said so"},
		deploy.CauseBetweenWaves:   {[]deploy.State{deploy.Running}, "the pause between two waves that was asked for"},
	}
)

// sourcedeploy is how the statuses of that dialect follow from state and cause.
var sourcedeploy = []struct {
	status  string
	state   deploy.State
	cause   deploy.Cause
	missing string
}{
	{"success", deploy.Succeeded, "", ""},
	{"fail", deploy.Failed, "", ""},
	{"inprogress", deploy.Running, "", ""},
	{"pending", deploy.AwaitingApproval, "", ""},
	{"reject", deploy.Rejected, deploy.CauseNotApproved, ""},
	{"canceling", deploy.Halting, deploy.CauseCancelled, ""},
	{"canceled", deploy.Cancelled, deploy.CauseCancelled, ""},
	{"waiting", deploy.Scheduled, "", "`accepted` is `waiting` too; a state for waiting on a limit of concurrent deployments"},
	{"error", deploy.Failed, deploy.CauseBroken, ""},
	{"canary_pending", deploy.Holding, deploy.CauseCanary, ""},
	{"canary_reject", deploy.Failed, deploy.CauseCanaryRejected, "the canary's hosts keep the new release: going back by itself comes later"},
	{"canary_analyzing", "", "", "**not there yet**: analysis comes later"},
	{"canary_waiting_timeout", deploy.Failed, deploy.CauseCanaryTimeout, "the time limit of an analysis; a person's is there"},
	{"canary_rejecting", "", "", "**not there yet**: going back by itself comes later. Nearest is `stopping` with `canary_rejected`, in which nothing goes back"},
}
