package contract

// Types of jobs.
const (
	TypeJobDeploy   Type = "slipway.v1.job.deploy"
	TypeJobRollback Type = "slipway.v1.job.rollback"
	TypeJobInit     Type = "slipway.v1.job.init"
	TypeJobTraffic  Type = "slipway.v1.job.traffic"
	TypeJobRetire   Type = "slipway.v1.job.retire"
)

// DeployJob ships a package to one host and switches to it.
type DeployJob struct {
	Application Application `json:"application"`
	Work        *Work       `json:"work,omitempty"`
	Target      Target      `json:"target"`
	Package     Package     `json:"package"`
	Limits      *JobLimits  `json:"limits,omitempty"`
	// Reversible says that the deployment may yet be taken back by itself, so that what it
	// replaces on the host stays, whatever Application.Remove says.
	Reversible bool `json:"reversible,omitempty"`
}

// RollbackJob leaves a release on one host.
type RollbackJob struct {
	Application Application `json:"application"`
	Work        *Work       `json:"work,omitempty"`
	Target      Target      `json:"target"`
	From        string      `json:"from"`
	To          string      `json:"to,omitempty"`
	Limits      *JobLimits  `json:"limits,omitempty"`
}

// InitJob has the supervisor of one host know the programs of an application.
type InitJob struct {
	Application Application `json:"application"`
	Programs    Programs    `json:"programs"`
	Target      Target      `json:"target"`
	Limits      *JobLimits  `json:"limits,omitempty"`
}

// TrafficJob has one balancer send traffic to another set of servers.
type TrafficJob struct {
	Application Application `json:"application"`
	Target      Target      `json:"target"`
	Version     string      `json:"version"` // that the deployment brings, or brought where this takes it back
	From        ServerSet   `json:"from"`
	To          ServerSet   `json:"to"`
	Traffic     Traffic     `json:"traffic"`
	Limits      *JobLimits  `json:"limits,omitempty"`
}

// RetireJob runs a command on one host that traffic has left for good.
type RetireJob struct {
	Application Application `json:"application"`
	Target      Target      `json:"target"`
	Version     string      `json:"version"` // that the deployment brings
	From        ServerSet   `json:"from"`    // the host is one of these
	To          ServerSet   `json:"to"`
	Command     string      `json:"command"` // for sh
	Limits      *JobLimits  `json:"limits,omitempty"`
}

// MessageType implements Body.
func (DeployJob) MessageType() Type { return TypeJobDeploy }

// MessageType implements Body.
func (RollbackJob) MessageType() Type { return TypeJobRollback }

// MessageType implements Body.
func (InitJob) MessageType() Type { return TypeJobInit }

// MessageType implements Body.
func (TrafficJob) MessageType() Type { return TypeJobTraffic }

// MessageType implements Body.
func (RetireJob) MessageType() Type { return TypeJobRetire }
