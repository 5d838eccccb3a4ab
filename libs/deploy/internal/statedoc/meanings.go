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
	deploy.Waiting:          "as many deployments as may are under way",
	deploy.Pending:          "planned, waits for its wave or its host",
	deploy.Running:          "under way",
	deploy.Paused:           "what has begun goes on; a person resumes the rest",
	deploy.Holding:          "the canary is done, or traffic has gone to the new set, and a person may judge it",
	deploy.Analyzing:        "the canary is done, measurements judge it",
	deploy.Halting:          "nothing begins any more; what has begun ends",
	deploy.Reverting:        "hosts go back to what ran before, by a rollback of its own",
	deploy.Succeeded:        "ended as asked",
	deploy.Failed:           "ended with a reason",
	deploy.Skipped:          "never begun, because the deployment stopped or a person said so; of a step: there was nothing to do",
	deploy.Cancelled:        "ended, or never begun, because a person said so",
	deploy.Rejected:         "never begun, because it was not approved",
}

type meaning struct {
	with    []deploy.State
	meaning string
}

var (
	failing = []deploy.State{deploy.Halting, deploy.Reverting, deploy.Failed}
	running = []deploy.State{deploy.Running}

	causes = map[deploy.Cause]meaning{
		deploy.CauseHosts:          {[]deploy.State{deploy.Failed}, "hosts failed, without a limit being overrun"},
		deploy.CauseBudget:         {[]deploy.State{deploy.Paused, deploy.Halting, deploy.Reverting, deploy.Failed}, "more hosts failed than may"},
		deploy.CauseUnhealthy:      {failing, "too few hosts would stay healthy"},
		deploy.CauseDeadline:       {failing, "the time was up"},
		deploy.CauseBroken:         {[]deploy.State{deploy.Failed}, "the deployment could not go on at all"},
		deploy.CauseCancelled:      {[]deploy.State{deploy.Halting, deploy.Cancelled}, "a person said so"},
		deploy.CauseNotApproved:    {[]deploy.State{deploy.Halting, deploy.Rejected}, "rejected by a person, or approved by nobody in time"},
		deploy.CauseCanary:         {[]deploy.State{deploy.Holding, deploy.Analyzing}, "the canary is to be judged"},
		deploy.CauseCanaryRejected: {failing, "a person judged the canary, or the new set, to be bad"},
		deploy.CauseCanaryTimeout:  {failing, "nobody judged the canary in time"},
		deploy.CauseAnalysis:       {failing, "measurements judged the canary to be bad, or could not be made"},
		deploy.CauseSwitched:       {[]deploy.State{deploy.Holding}, "traffic goes to the new set; the old one is kept ready"},
		deploy.CauseSwitchRejected: {failing, "a person had traffic go back to the old set"},
		deploy.CausePaused:         {[]deploy.State{deploy.Paused}, "a person said so"},
		deploy.CauseBetweenWaves:   {running, "the pause between two waves that was asked for"},
		deploy.CauseWindow: {
			[]deploy.State{deploy.Scheduled, deploy.Running, deploy.Halting, deploy.Reverting, deploy.Failed},
			"outside the hours in which hosts may begin; or it ends, since no window opens any more for more than a year",
		},
		deploy.CauseLimit:      {[]deploy.State{deploy.Waiting}, "as many deployments as may are under way, of the project or over all"},
		deploy.CauseNoProgress: {running, "no host has told anything for as long as was asked"},
		deploy.CauseNoExecutor: {running, "no executor serves the zone of a host"},
	}
)

// sourcedeploy is how the statuses of that dialect follow from state and cause.
var sourcedeploy = []struct {
	status string
	state  deploy.State
	cause  deploy.Cause
	note   string
}{
	{"success", deploy.Succeeded, "", ""},
	{"fail", deploy.Failed, "", ""},
	{"inprogress", deploy.Running, "", ""},
	{"pending", deploy.AwaitingApproval, "", ""},
	{"reject", deploy.Rejected, deploy.CauseNotApproved, "so is `stopping` with this cause"},
	{"canceling", deploy.Halting, deploy.CauseCancelled, ""},
	{"canceled", deploy.Cancelled, deploy.CauseCancelled, ""},
	{"waiting", deploy.Waiting, "", "so are `accepted` and `scheduled`"},
	{"error", deploy.Failed, deploy.CauseBroken, ""},
	{"canary_pending", deploy.Holding, deploy.CauseCanary, "so is `traffic_switched`"},
	{"canary_reject", deploy.Failed, deploy.CauseCanaryRejected, "so are `canary_analysis` and `switch_rejected`"},
	{"canary_analyzing", deploy.Analyzing, deploy.CauseCanary, ""},
	{"canary_waiting_timeout", deploy.Failed, deploy.CauseCanaryTimeout, ""},
	{"canary_rejecting", deploy.Reverting, deploy.CauseCanaryRejected, "so is `stopping` with this cause, and both with `canary_timeout`, `canary_analysis` and `switch_rejected`"},
}
