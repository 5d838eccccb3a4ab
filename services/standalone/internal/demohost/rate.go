package demohost

import (
	"io"
	"time"
)

// slowed returns a reader of at most rate bytes per second; of any number if rate is 0.
func slowed(r io.Reader, rate int64) io.Reader {
	if rate == 0 {
		return r
	}
	return &slowReader{source: r, rate: rate, began: time.Now()}
}

type slowReader struct {
	source io.Reader
	rate   int64
	began  time.Time
	read   int64
}

// Read reads, and waits until as much may have been read: a reader that falls behind catches up.
func (s *slowReader) Read(p []byte) (int, error) {
	n, err := s.source.Read(p)
	s.read += int64(n)
	due := s.began.Add(time.Duration(float64(s.read) / float64(s.rate) * float64(time.Second)))
	<-time.After(time.Until(due))
	return n, err
}
