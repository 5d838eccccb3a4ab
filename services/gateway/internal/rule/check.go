package rule

import (
	"errors"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/probe"
)

const maxURL = 4096 // bytes

// URL is where something lies on the web.
func URL(s string) string {
	if len(s) > maxURL {
		return fmt.Sprintf("must be at most %d bytes long", maxURL)
	}
	if _, err := netguard.ParseURL(s); err != nil || Printable(s, 1, maxURL) != "" {
		return "must be an absolute http or https URL"
	}
	return ""
}

// The fields of the checks that measure a canary follow.

// CheckName is what a check is called.
func CheckName(s string) string { return Name(s, 1, probe.MaxName) }

// CheckURL is what an HTTP check asks for.
func CheckURL(s string) string {
	_, err := probe.ParseURL(s)
	return wrongURL(s, err)
}

// PrometheusURL is where a Prometheus is.
func PrometheusURL(s string) string {
	_, err := probe.ParseServer(s)
	return wrongURL(s, err)
}

func wrongURL(s string, err error) string {
	switch wrong := URL(s); {
	case wrong != "":
		return wrong
	case errors.Is(err, probe.ErrCredentials):
		return "must not hold credentials: they would be kept with the deployment"
	case errors.Is(err, probe.ErrQuery):
		return "must not have a query or a fragment: it is where the server is, without /api/v1"
	case err != nil:
		return "must be an absolute http or https URL"
	}
	return ""
}

// Query is a PromQL query, as far as can be said without a server.
func Query(s string) string {
	if wrong := placeholders(s); wrong != "" {
		return wrong
	}
	if probe.CheckQuery(s) != nil {
		return fmt.Sprintf("must be a text of 1 to %d bytes", probe.MaxQuery)
	}
	return ""
}

// Expectation is what each value of a query must be.
func Expectation(s string) (probe.Expectation, string) {
	e, err := probe.ParseExpectation(s)
	if err != nil {
		return e, `must be one of < <= > >= == != and a number, such as "< 0.01"`
	}
	return e, ""
}

// Statuses is which status codes are right.
func Statuses(s string) (probe.Statuses, string) {
	codes, err := probe.ParseStatuses(s)
	if err != nil {
		return codes, "must be a status code such as 200, a class such as 2xx, or a range such as 200-204"
	}
	return codes, ""
}

// BodyText is what a body must hold.
func BodyText(s string) string {
	if wrong := placeholders(s); wrong != "" {
		return wrong
	}
	if s == "" || probe.CheckBody(s) != nil {
		return fmt.Sprintf("must be a text of 1 to %d bytes", probe.MaxPattern)
	}
	return ""
}

// BodyPattern is a regular expression that must match somewhere in a body.
func BodyPattern(s string) string {
	if _, err := probe.ParsePattern(s); err != nil || s == "" {
		return fmt.Sprintf("must be a regular expression (RE2) of 1 to %d bytes", probe.MaxPattern)
	}
	return ""
}

// CheckTimeout is how long one check may take.
func CheckTimeout(s string) (time.Duration, string) {
	d, wrong := Duration(s)
	if wrong == "" && d > probe.MaxTimeout {
		return 0, fmt.Sprintf("must be at most %ds", probe.MaxTimeout/time.Second)
	}
	return d, wrong
}

func placeholders(s string) string {
	if probe.CheckPlaceholders(s) != nil {
		return "must hold no placeholders but {{deployment}}, {{application}} and {{version}}"
	}
	return ""
}
