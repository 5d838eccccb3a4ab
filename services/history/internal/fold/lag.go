package fold

import (
	"time"

	"github.com/rs/zerolog"
)

const (
	// late is from which age of an event on history counts as behind.
	late = 10 * time.Second
	// tellEvery is how often it is said how far behind.
	tellEvery = time.Minute
)

// lag tells of documents that are behind their events: when they fall behind, every
// while, and when they have caught up.
type lag struct {
	since, told time.Time
	log         zerolog.Logger
}

// note takes what was folded last.
func (l *lag) note(now time.Time, last Entry) {
	age := now.Sub(last.At)
	switch {
	case last.Behind > 0 && age > late:
		if l.since.IsZero() {
			l.since = now
		}
		if now.Sub(l.told) >= tellEvery {
			l.told = now
			l.log.Warn().Uint64("events", last.Behind).Dur("age", age).Msg("documents are behind the events")
		}
	case last.Behind == 0 && !l.since.IsZero():
		l.log.Info().Dur("after", now.Sub(l.since)).Msg("documents have caught up")
		l.since, l.told = time.Time{}, time.Time{}
	}
}
