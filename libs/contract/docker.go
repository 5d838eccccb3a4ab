package contract

// Docker is where docker has the image of a release from, and how its container runs. At most
// one of Dockerfile, Archive and Pull is there.
type Docker struct {
	Dockerfile string `json:"dockerfile,omitempty"` // path in the release; empty, with Archive and Pull: Dockerfile
	Context    string `json:"context,omitempty"`    // directory in the release, for the Dockerfile; empty: all of it
	Archive    string `json:"archive,omitempty"`    // of docker save: path in the release; ".": the release is what was in it
	Pull       string `json:"pull,omitempty"`       // name to pull it by; {{version}} stands for the version

	Network string   `json:"network,omitempty"` // empty: what docker does by default
	Ports   []Port   `json:"ports,omitempty"`
	Mounts  []Mount  `json:"mounts,omitempty"`
	User    string   `json:"user,omitempty"`    // empty: that of the image
	Command []string `json:"command,omitempty"` // empty: that of the image

	Replace string `json:"replace"`             // stop_first or start_first
	Restart string `json:"restart"`             // no, on-failure or unless-stopped
	Settle  int64  `json:"settle_ms,omitempty"` // that it is to run, where neither it nor a check tells how it is; in whole seconds
	Stop    int64  `json:"stop_ms,omitempty"`   // for it to end by itself; in whole seconds
}

// What comes first where a container takes the place of another.
const (
	ReplaceStopFirst  = "stop_first"
	ReplaceStartFirst = "start_first"
)

// Port is one of a container's that its host has, too.
type Port struct {
	Address   string `json:"address,omitempty"` // of the host; empty: all
	Host      int    `json:"host"`
	Container int    `json:"container"`
	Protocol  string `json:"protocol"` // tcp or udp
}

// Mount is a directory or a file of the host, by its absolute path, or a volume of docker, by its
// name, that a container has.
type Mount struct {
	Source   string `json:"source"`
	Target   string `json:"target"` // absolute path in the container
	ReadOnly bool   `json:"read_only,omitempty"`
}
