package rule

import (
	"fmt"
	"regexp"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	maxAmount = 10_000 // servers
	// MaxDuration bounds whatever is waited for.
	MaxDuration = 30 * 24 * time.Hour
)

var duration = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// Amount is a number of servers, or a share of them such as 25%, and is at least
// so much.
func Amount(s string, least int) (deploy.Amount, string) {
	a, err := deploy.ParseAmount(s)
	switch {
	case err != nil:
		return a, "must be a number of servers, or a share of them such as 25%"
	case max(a.Count, a.Percent) < least:
		return a, fmt.Sprintf("must be at least %d", least)
	case a.Count > maxAmount:
		return a, fmt.Sprintf("must be at most %d", maxAmount)
	}
	return a, ""
}

// Duration is a time such as 30s, 1m30s or 2h.
func Duration(s string) (time.Duration, string) {
	d, err := time.ParseDuration(s)
	switch {
	case !duration.MatchString(s) || err != nil:
		return 0, "must be a duration such as 30s, 1m30s or 2h"
	case d < time.Millisecond:
		return 0, "must be at least 1ms"
	case d > MaxDuration:
		return 0, fmt.Sprintf("must be at most %dh", MaxDuration/time.Hour)
	}
	return d.Truncate(time.Millisecond), ""
}
