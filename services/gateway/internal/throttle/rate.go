package throttle

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostKnown bounds the callers, and the addresses, that are known at the same time:
// some 3 MB of each.
const mostKnown = 10_000

// Rates lets each of many send so many requests a second, and some at once.
type Rates struct {
	limit rate.Limit
	burst int

	mu    sync.Mutex
	known *recent[*rate.Limiter]
}

// NewRates returns limits of so many requests a second for each key, and twice as
// many at once; 0 is no limit.
func NewRates(perSecond int) *Rates {
	return &Rates{limit: rate.Limit(perSecond), burst: 2 * perSecond, known: newRecent[*rate.Limiter](mostKnown)}
}

// Take counts a request of the key, and returns after how long the next may come; 0:
// this one may. One that may not does not count.
func (r *Rates) Take(key string, now time.Time) time.Duration {
	if r.limit == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.known.get(key)
	if !ok {
		l = rate.NewLimiter(r.limit, r.burst)
		r.known.put(key, l)
	}
	if l.AllowN(now, 1) {
		return 0
	}
	missing := 1 - l.TokensAt(now)
	return time.Duration(math.Ceil(missing / float64(r.limit) * float64(time.Second)))
}
