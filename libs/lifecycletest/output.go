package lifecycletest

import (
	"strings"
	"sync"
)

// Output is what a component writes, such as its log, to be read while it runs.
// The zero value is empty; its methods may be called from any goroutine.
type Output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write never fails.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
