package throttle

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	firstWait   = time.Second
	longestWait = 15 * time.Minute
	// forgiven is after how long without a guess earlier ones count no more.
	forgiven = time.Hour
)

// Guesses makes those wait who send credentials that nobody has: after so many, a
// second, and twice as long after each further one.
type Guesses struct {
	free int

	mu    sync.Mutex
	known *recent[record]
}

// record is the guesses of an address, or at the beginning of a token.
type record struct {
	failed int
	last   [sha256.Size]byte // of what was sent
	at     time.Time
	until  time.Time // nothing more is looked at
}

// NewGuesses returns a lockout after so many guesses that fail; 0: never.
func NewGuesses(free int) *Guesses {
	return &Guesses{free: free, known: newRecent[record](mostKnown)}
}

// Wait returns how long nothing of this key is looked at; 0: it is.
func (g *Guesses) Wait(key string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := g.known.get(key)
	if !ok {
		return 0
	}
	return max(0, r.until.Sub(now))
}

// Failed notes that this credential is nobody's. The same one again is no guess: a
// machine whose token was revoked shall not lock out those beside it.
func (g *Guesses) Failed(key, credential string, now time.Time) {
	if g.free == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r, _ := g.known.get(key)
	sum := sha256.Sum256([]byte(credential))
	switch {
	case now.Sub(r.at) > forgiven:
		r = record{}
	case r.last == sum:
		r.at = now
		g.known.put(key, r)
		return
	}
	r.failed, r.last, r.at = r.failed+1, sum, now
	if over := r.failed - g.free; over >= 0 {
		r.until = now.Add(waitAfter(over))
	}
	g.known.put(key, r)
}

// waitAfter doubles with each guess.
func waitAfter(over int) time.Duration {
	wait := firstWait
	for range over {
		if wait *= 2; wait >= longestWait {
			return longestWait
		}
	}
	return wait
}

// Succeeded forgets the guesses of the key.
func (g *Guesses) Succeeded(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known.drop(key)
}
