package deploy

import "time"

// Policy is what was asked for beyond the hosts themselves.
type Policy struct {
	Strategy Strategy      `json:"strategy"`
	Budget   Budget        `json:"budget"`
	Approval *Approval     `json:"approval,omitempty"` // nil: nobody is asked
	StartAt  time.Time     `json:"start_at,omitzero"`  // zero: now
	Calendar *Calendar     `json:"calendar,omitempty"` // nil: hosts may begin at any time
	Deadline time.Duration `json:"deadline,omitempty"` // from the first wave on, ns; 0: none
	// Progress is how long no host may tell anything before that is said of the
	// deployment, ns. 0: for ever.
	Progress time.Duration `json:"progress,omitempty"`
}

// Approval asks for the word of a person before anything begins.
type Approval struct {
	Digest       string    `json:"digest"` // of the plan that is to be approved
	NotRequester bool      `json:"not_requester,omitempty"`
	Expires      time.Time `json:"expires"`
}
