package deploy

// Kind is what a deployment does on its hosts.
type Kind string

// The kinds of deployment, and what one that goes by sets does besides on the
// hosts of some roles.
const (
	KindDeploy   Kind = "deploy"   // ship a package and switch to it
	KindRollback Kind = "rollback" // switch back to a release that is still there
	KindInit     Kind = "init"     // have the hosts know the application, before or between its deployments
	KindTraffic  Kind = "traffic"  // of a balancer: send traffic to another set
	KindRetire   Kind = "retire"   // of an old host: do what was asked for once traffic has left it
)

// On returns what a deployment of this kind does on hosts of a role.
func (k Kind) On(role Role) Kind {
	switch role {
	case RoleBalancer:
		return KindTraffic
	case RoleOld:
		return KindRetire
	}
	return k
}

// Phase groups steps as operators know them: before, during and after the
// moment in which the running release changes.
type Phase string

// The phases of a deployment on one host, in order.
const (
	Pre  Phase = "pre"
	Main Phase = "deploy"
	Post Phase = "post"
)

// Step is one named piece of work on one host. A step can be run twice.
type Step string

// The steps, in the order in which they run.
const (
	StepConnect Step = "connect" // dial, verify the host key, log in, look around
	StepBefore  Step = "before"  // hooks, while what ran before runs still
	StepStage   Step = "stage"   // transfer, verify and unpack beside the running release
	StepPrepare Step = "prepare" // make what the release needs to run, beside it
	StepSwitch  Step = "switch"  // point current at the release, atomically
	StepDuring  Step = "during"  // hooks, between the switch and the restart
	StepRestart Step = "restart" // have the new release run
	StepCheck   Step = "check"   // see that it does
	StepAfter   Step = "after"   // hooks, once it does
	StepClean   Step = "clean"   // remove releases beyond those to keep
	StepSetUp   Step = "setup"   // have the supervisor know the application's programs
	StepTraffic Step = "traffic" // send traffic to another set of servers
	StepRetire  Step = "retire"  // run what was asked for on a host that traffic has left
)

// Phase returns the phase the step belongs to.
func (s Step) Phase() Phase {
	switch s {
	case StepSwitch, StepDuring, StepRestart, StepSetUp, StepTraffic:
		return Main
	case StepCheck, StepAfter, StepClean, StepRetire:
		return Post
	default:
		return Pre
	}
}

// Work is what an application has done on a host besides: it needs no step for
// what it has not.
type Work struct {
	Before, During, After bool // there are hooks for it
	Prepare               bool
	Restart               bool
	Check                 bool
}

// Steps returns the steps of a deployment of this kind on one host, in order. A
// rollback stages nothing: what it goes back to is there.
func (k Kind) Steps(w Work) []Step {
	switch k {
	case KindInit:
		return []Step{StepConnect, StepSetUp}
	case KindTraffic:
		return []Step{StepConnect, StepTraffic}
	case KindRetire:
		return []Step{StepConnect, StepRetire}
	}
	var steps []Step
	for _, s := range []struct {
		step   Step
		wanted bool
	}{
		{StepConnect, true},
		{StepBefore, w.Before},
		{StepStage, k == KindDeploy},
		{StepPrepare, w.Prepare},
		{StepSwitch, true},
		{StepDuring, w.During},
		{StepRestart, w.Restart},
		{StepCheck, w.Check},
		{StepAfter, w.After},
		{StepClean, true},
	} {
		if s.wanted {
			steps = append(steps, s.step)
		}
	}
	return steps
}

// Steps returns every step that there is.
func Steps() []Step {
	all := KindDeploy.Steps(Work{Before: true, Prepare: true, During: true, After: true, Restart: true, Check: true})
	return append(all, StepSetUp, StepTraffic, StepRetire)
}
