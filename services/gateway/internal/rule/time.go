package rule

import "time"

// Time is a moment as RFC 3339 writes it. It is returned in UTC.
func Time(s string) (time.Time, string) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, "must be a time such as 2026-03-01T12:00:00Z"
	}
	return at.UTC(), Writable(at)
}

// Writable is a time that JSON can hold, in UTC: a zone, or a number, leads beyond that.
func Writable(at time.Time) string {
	if year := at.UTC().Year(); year < 1 || year > 9999 {
		return "must be in the years 1 to 9999, in UTC"
	}
	return ""
}
