package contract

// Analysis lets measurements decide about a canary. Each measurement makes all
// checks: it passes if all pass, and fails if one fails. Else it is inconclusive.
type Analysis struct {
	Checks       []Check `json:"checks"`
	Interval     int64   `json:"interval_ms"`            // between two measurements
	Successes    int     `json:"successes"`              // passing measurements that promote
	Failures     int     `json:"failures,omitempty"`     // failing measurements that are tolerated
	Inconclusive int     `json:"inconclusive,omitempty"` // inconclusive ones in a row that are tolerated
}

// Check is one thing that is measured. Exactly one of Prometheus and HTTP is
// there.
type Check struct {
	Name       string           `json:"name"`
	Prometheus *PrometheusCheck `json:"prometheus,omitempty"`
	HTTP       *HTTPCheck       `json:"http,omitempty"`
}

// PrometheusCheck asks a PromQL query, as an instant query, of a server that
// speaks Prometheus' HTTP API. It passes if each value of the answer is as
// expected.
type PrometheusCheck struct {
	Query  string `json:"query"`            // may hold {{deployment}}, {{application}} and {{version}}
	Expect string `json:"expect"`           // "< 0.01": one of < <= > >= == != and a number
	Absent string `json:"absent,omitempty"` // what no value, or NaN, is: pass, fail or inconclusive; empty: inconclusive
	URL    string `json:"url,omitempty"`    // of the server, without /api/v1; empty: the one that the scheduler is configured with
}

// HTTPCheck makes a request. It passes if the answer is of the right status and
// holds what is looked for.
type HTTPCheck struct {
	URL     string `json:"url"`
	Method  string `json:"method,omitempty"`     // GET, HEAD or POST; empty: GET
	Status  string `json:"status,omitempty"`     // 200, 2xx or 200-299; empty: 2xx
	Body    string `json:"body,omitempty"`       // text in the body; may hold the same placeholders as a query
	Matches string `json:"matches,omitempty"`    // regular expression (RE2) that matches somewhere in the body
	Timeout int64  `json:"timeout_ms,omitempty"` // 0: 10 seconds
}
