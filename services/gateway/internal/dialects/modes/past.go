package modes

import (
	"context"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const (
	pastRuns = 20  // of which an estimate is made
	pastRead = 100 // deployments that are looked through for them
)

// usual is how long a deployment of the mode takes: the mean of the last ones that went
// well. 0 is not known: there was none.
func (c Config) usual(ctx context.Context, r *dialects.Request, mode string) (time.Duration, error) {
	var page struct {
		Items []deployment `json:"items"`
	}
	query := url.Values{
		"project": {c.Project}, "application": {c.Application}, "state": {string(deploy.Succeeded)}, "limit": {strconv.Itoa(pastRead)},
	}
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/deployments", Query: query}, &page); err != nil {
		return 0, err
	}
	var sum time.Duration
	runs := 0
	for _, d := range page.Items {
		if d.mode() == mode && d.EndedAt != nil && runs < pastRuns {
			sum += d.EndedAt.Sub(d.AcceptedAt)
			runs++
		}
	}
	if runs == 0 {
		return 0, nil
	}
	return sum / time.Duration(runs), nil
}

// left is how many seconds a deployment still takes, nil where nobody knows.
func (c Config) left(ctx context.Context, r *dialects.Request, d deployment) (*int, error) {
	if d.EndedAt != nil {
		return new(int), nil
	}
	usual, err := c.usual(ctx, r, d.mode())
	if err != nil || usual == 0 {
		return nil, err
	}
	return whole(max(0, usual-time.Since(d.AcceptedAt))), nil
}

// whole is a duration in seconds, of which one that has begun counts.
func whole(d time.Duration) *int {
	n := int(math.Ceil(d.Seconds()))
	return &n
}
