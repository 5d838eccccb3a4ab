package contract

// Set is a wave of targets that have one role.
type Set struct {
	Role    string `json:"role"` // new, balancer or old
	Targets int    `json:"targets"`
}

// BlueGreen says from which servers traffic goes to which others, and how.
type BlueGreen struct {
	From    ServerSet `json:"from"`
	To      ServerSet `json:"to"`
	Traffic Traffic   `json:"traffic"`
	Retire  string    `json:"retire,omitempty"` // command for each server of From, once traffic has left it for good
}

// ServerSet is servers that get traffic together.
type ServerSet struct {
	Name    string   `json:"name"`    // as the label of its servers says
	Servers []string `json:"servers"` // names
}

// ServersOfSets is how many servers both sets may have together: their names
// travel to each balancer.
const ServersOfSets = 500

// Traffic is how a balancer is told to send traffic elsewhere. Exactly one of
// HAProxy and Command is there.
type Traffic struct {
	HAProxy *HAProxy `json:"haproxy,omitempty"`
	Command string   `json:"command,omitempty"` // for sh
}

// HAProxy is where one is told by its runtime API. The names of its servers are
// those of the inventory.
type HAProxy struct {
	Socket  string `json:"socket"` // absolute path, on the balancer
	Backend string `json:"backend"`
}
