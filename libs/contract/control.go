package contract

// Types of what a person asks of a deployment that is under way, and of the
// answer.
const (
	TypeControl    Type = "slipway.v1.control"
	TypeControlled Type = "slipway.v1.control.done"
)

// Control asks a scheduler to change the course of the deployment that the
// envelope names. Asking again for what holds already changes nothing. It is
// answered once the change is durable, by Controlled, or by Refused: conflict
// where the state forbids it, not_found where there is no such deployment.
type Control struct {
	Verb   string          `json:"verb"`             // cancel, pause, resume, promote, reject, approve or skip
	Actor  string          `json:"actor"`            // name of the token that asks
	Reason string          `json:"reason,omitempty"` // in words of the person who asks
	Digest string          `json:"digest,omitempty"` // approve: of the plan that was seen
	Skip   []PlannedTarget `json:"skip,omitempty"`   // skip: these hosts of the plan, at most SkipLimit
}

// ControlSkip is the verb that ends hosts before they begin. It is none of
// deploy.Verbs: it changes targets, and not the course of the deployment.
const ControlSkip = "skip"

// SkipLimit is how many hosts one Control may skip.
const SkipLimit = 100

// Controlled says where the deployment stands after a Control.
type Controlled struct {
	State string `json:"state"`
	Cause string `json:"cause,omitempty"`
}

// MessageType implements Body.
func (Control) MessageType() Type { return TypeControl }

// MessageType implements Body.
func (Controlled) MessageType() Type { return TypeControlled }
