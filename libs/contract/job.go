package contract

// Types of jobs.
const (
	TypeJobDeploy   Type = "slipway.v1.job.deploy"
	TypeJobRollback Type = "slipway.v1.job.rollback"
)

// DeployJob ships a package to one host and switches to it.
type DeployJob struct {
	Application Application `json:"application"`
	Target      Target      `json:"target"`
	Package     Package     `json:"package"`
	Limits      *JobLimits  `json:"limits,omitempty"`
}

// RollbackJob leaves a release on one host.
type RollbackJob struct {
	Application Application `json:"application"`
	Target      Target      `json:"target"`
	From        string      `json:"from"`
	To          string      `json:"to,omitempty"`
	Limits      *JobLimits  `json:"limits,omitempty"`
}

// MessageType implements Body.
func (DeployJob) MessageType() Type { return TypeJobDeploy }

// MessageType implements Body.
func (RollbackJob) MessageType() Type { return TypeJobRollback }
