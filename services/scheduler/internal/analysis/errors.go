package analysis

import "errors"

// They are the reasons of details, in words for a person.
var (
	// errNoServer says that a check rests on a setting that is not made.
	errNoServer = errors.New("the check names no Prometheus, and none is configured (analysis.prometheus)")
	// errNoRequest says that a URL that was read makes no request.
	errNoRequest = errors.New("the URL cannot be asked for")
	// errBrokenBody says that an answer ended before it was complete, or in time.
	errBrokenBody = errors.New("the answer does not arrive whole")
	// errLongBody says that an answer is longer than probe.MaxBody.
	errLongBody = errors.New("the answer is longer than 1 MiB")
	// errNoAnswer says that what a server answers is not Prometheus' HTTP API.
	errNoAnswer = errors.New("the answer is not of Prometheus' HTTP API")
	// errNotNumbers says that a query gives something else than one number a series.
	errNotNumbers = errors.New("the query does not give one number a series")
)
