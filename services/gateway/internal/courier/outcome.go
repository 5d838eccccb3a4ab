package courier

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// answer is what a receiver said, or why it said nothing.
type answer struct {
	webhooks.Attempt
	retryAfter time.Duration // that it asked for; 0: it did not
}

func (a answer) good() bool { return a.Status >= 200 && a.Status <= 299 && a.Error == "" }

// count counts a try.
func (c Config) count(a answer) {
	switch {
	case a.good():
		c.Seen.Tries.WithLabelValues("taken").Inc()
	case a.Status != 0:
		c.Seen.Tries.WithLabelValues("refused").Inc()
	default:
		c.Seen.Tries.WithLabelValues("failed").Inc()
		return
	}
	c.Seen.TryTimes.Observe(a.Took.Seconds())
}

// gone says whether the receiver wants to hear no more.
func (a answer) gone() bool { return a.Status == http.StatusGone }

// after is the delivery once a try of it went so. jitter is a number in [0, 1).
func (c Config) after(d webhooks.Delivery, a answer, now time.Time, jitter float64) webhooks.Delivery {
	d.Attempts++
	d.Last = &a.Attempt
	if a.good() {
		return d.End(webhooks.Delivered, now)
	}
	pause := c.pause(d.Attempts, jitter)
	if a.retryAfter > pause {
		pause = min(a.retryAfter, c.RetryLongest)
	}
	next := now.Add(pause)
	if a.gone() || d.Type == webhooks.TypeTest || next.Sub(d.CreatedAt) > c.RetryFor {
		return d.End(webhooks.Dead, now)
	}
	d.Next = next.UTC().Truncate(time.Millisecond)
	return d
}

// pause is how long to wait after so many failures: between half of the backoff and all of it, so that what failed
// together is not tried together.
func (c Config) pause(failures int, jitter float64) time.Duration {
	backoff := c.RetryFirst
	for range failures - 1 {
		if backoff >= c.RetryLongest {
			break
		}
		backoff *= 2
	}
	backoff = min(backoff, c.RetryLongest)
	return backoff/2 + time.Duration(jitter*float64(backoff/2))
}

func jitter() float64 { return rand.Float64() } //nolint:gosec // nothing is to be guessed

// health is the webhook after a try went so. A test says nothing about its receiver.
func (c Config) health(w webhooks.Webhook, d webhooks.Delivery, a answer, now time.Time) webhooks.Webhook {
	switch {
	case d.Type == webhooks.TypeTest:
	case a.good():
		w.Failing = nil
	case w.State != webhooks.Active:
	case a.gone():
		w = w.Stop(webhooks.Disabled, webhooks.BySlipway, "the receiver answered 410 Gone", now)
	case w.Failing == nil:
		w.Failing = &webhooks.Failing{Since: now.UTC().Truncate(time.Millisecond), Error: a.Error}
	case now.Sub(w.Failing.Since) >= c.PauseAfter:
		w = w.Stop(webhooks.Paused, webhooks.BySlipway, "the receiver has failed for "+c.PauseAfter.String()+"; the last error: "+a.Error, now)
	}
	return w
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
