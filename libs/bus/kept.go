package bus

import "sync"

const (
	// mostKept and largestKept, in bytes, bound what is kept of a bucket.
	mostKept    = 4096
	largestKept = 4 << 10
	// fullTrust is twice as many changes by others as it takes, in a row, until nothing kept
	// is thought to be current; tryEvery is how often that is tried then all the same.
	fullTrust = 16
	tryEvery  = 16
)

// kept is what changes of this process wrote last under some keys. Most values are changed
// next by who changed them last, at least where there is one replica: then a change that
// begins with what is kept needs no read before it, and the broker says whether that was
// current. Where others write in between, it soon is not tried but now and then.
type kept struct {
	mu     sync.Mutex
	values map[string]written
	era    uint64 // the connection's: of another broker nothing is known
	trust  int
	passed int // tries that were not made for want of it
}

// put keeps what a change has written.
func (k *kept) put(era uint64, key string, w written) {
	if len(w.data) > largestKept {
		k.drop(key)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values == nil || k.era != era {
		k.values, k.era, k.trust = map[string]written{}, era, fullTrust
	}
	if len(k.values) >= mostKept {
		for any := range k.values {
			delete(k.values, any)
			break
		}
	}
	k.values[key] = w
}

// take returns what is kept under the key, if a change may begin with it. It is kept no more.
func (k *kept) take(era uint64, key string) (written, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, ok := k.values[key]
	if !ok || k.era != era {
		return written{}, false
	}
	delete(k.values, key)
	if k.trust > 0 {
		return w, true
	}
	k.passed++
	return w, k.passed%tryEvery == 0
}

// drop keeps nothing under the key.
func (k *kept) drop(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.values, key)
}

// proved notes whether what was taken was current.
func (k *kept) proved(current bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if current {
		k.trust = min(k.trust+1, fullTrust)
	} else {
		k.trust = max(k.trust-2, 0) // one in vain costs more than one in luck saves
	}
}
