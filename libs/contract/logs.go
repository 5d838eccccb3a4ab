package contract

// Types of a question about log files on hosts, and of the answer.
const (
	TypeTailLogs Type = "slipway.v1.query.logs.tail"
	TypeLogs     Type = "slipway.v1.query.logs"
)

// TailLogs asks an executor for the end of a file on hosts, among those that it may
// show.
type TailLogs struct {
	Path    string   `json:"path"`    // of the application
	File    string   `json:"file"`    // absolute, or from the path of the application on
	Lines   int      `json:"lines"`   // at most, 1 to TailLines
	Targets []Target `json:"targets"` // at most TailHosts
}

// What an answer to TailLogs may hold, so that it stays below what the broker takes.
const (
	TailHosts = 5
	TailLines = 999
	TailBytes = 48 << 10 // of one host
)

// Logs is the answer to TailLogs, a row for each host in the order asked.
type Logs struct {
	Hosts []HostLog `json:"hosts"`
}

// HostLog is the end of a file on one host.
type HostLog struct {
	Host    string   `json:"host"`
	Lines   []string `json:"lines,omitempty"`
	Failure *Failure `json:"failure,omitempty"` // the file could not be read
}

// MessageType implements Body.
func (TailLogs) MessageType() Type { return TypeTailLogs }

// MessageType implements Body.
func (Logs) MessageType() Type { return TypeLogs }
