package commands

import (
	"fmt"
	"time"
)

// parseMoment reads a moment: a day, which begins at midnight here, a time with its
// zone, or how long ago it was. It is zero where nothing is written.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return day, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("must be a day such as 2026-03-01, a time such as 2026-03-01T12:00:00Z, or how long ago, such as 48h, not %q", text)
}
