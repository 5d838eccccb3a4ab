package client

// BlueGreen is what the strategy blueGreen says beside what others do.
type BlueGreen struct {
	Label   string   `json:"label,omitempty"` // that tells the two sets; empty: as the gateway does
	To      string   `json:"to,omitempty"`    // its value on hosts of the new set
	Traffic *Traffic `json:"traffic,omitempty"`
	Keep    string   `json:"keep,omitempty"` // how long the old set stays ready; empty: as the gateway does
	Retire  *Retire  `json:"retire,omitempty"`
}

// Traffic is how balancers are told: by HAProxy's runtime API or by a command.
type Traffic struct {
	Servers []string `json:"servers"` // the balancers
	HAProxy *HAProxy `json:"haproxy,omitempty"`
	Command string   `json:"command,omitempty"`
}

// HAProxy is where a balancer's runtime API is, and for which backend.
type HAProxy struct {
	Socket  string `json:"socket"`
	Backend string `json:"backend"`
}

// Retire is what is done on hosts of the old set in the end.
type Retire struct {
	Command string `json:"command"`
}
