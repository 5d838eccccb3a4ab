package client

// Analysis is how measurements judge a canary. What is nil or empty is as the gateway does.
type Analysis struct {
	Checks       []Check `json:"checks"`
	Interval     string  `json:"interval,omitempty"`
	Successes    *int    `json:"successes,omitempty"`    // that promote it
	Failures     *int    `json:"failures,omitempty"`     // that are tolerated
	Inconclusive *int    `json:"inconclusive,omitempty"` // in a row, that are tolerated
}

// Check is one thing that is measured, in one of two ways.
type Check struct {
	Name       string           `json:"name"`
	Prometheus *PrometheusCheck `json:"prometheus,omitempty"`
	HTTP       *HTTPCheck       `json:"http,omitempty"`
}

// PrometheusCheck is a query, and what each value of its answer must be.
type PrometheusCheck struct {
	Query  string `json:"query"`
	Expect string `json:"expect"`           // "< 0.01"
	Absent string `json:"absent,omitempty"` // what no value is: pass, fail or inconclusive
	URL    string `json:"url,omitempty"`    // of the server; empty: the one that the schedulers know
}

// HTTPCheck is a request, and what its answer must be.
type HTTPCheck struct {
	URL     string `json:"url"`
	Method  string `json:"method,omitempty"` // GET, HEAD or POST
	Status  string `json:"status,omitempty"` // 200, 2xx or 200-299
	Body    string `json:"body,omitempty"`   // text in the body
	Matches string `json:"matches,omitempty"`
	Timeout string `json:"timeout,omitempty"`
}
