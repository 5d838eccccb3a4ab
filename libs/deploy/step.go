package deploy

// Kind is what a deployment does on its hosts.
type Kind string

// The kinds of deployment.
const (
	KindDeploy   Kind = "deploy"   // ship a package and switch to it
	KindRollback Kind = "rollback" // switch back to a release that is still there
)

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
	StepStage   Step = "stage"   // transfer, verify and unpack beside the running release
	StepSwitch  Step = "switch"  // point current at the release, atomically
	StepClean   Step = "clean"   // remove releases beyond those to keep
)

// Phase returns the phase the step belongs to.
func (s Step) Phase() Phase {
	switch s {
	case StepSwitch:
		return Main
	case StepClean:
		return Post
	default:
		return Pre
	}
}

// Steps returns the steps of a deployment of this kind on one host, in order.
func (k Kind) Steps() []Step {
	if k == KindRollback {
		return []Step{StepConnect, StepSwitch, StepClean}
	}
	return []Step{StepConnect, StepStage, StepSwitch, StepClean}
}
