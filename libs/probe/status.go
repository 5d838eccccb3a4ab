package probe

import (
	"fmt"
	"regexp"
	"strconv"
)

var (
	statusClass = regexp.MustCompile(`^[1-5]xx$`)
	statusRange = regexp.MustCompile(`^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$`)
)

// Statuses is a range of HTTP status codes.
type Statuses struct{ from, to int }

// ParseStatuses reads 200, 2xx or 200-299. An empty text is 2xx. It fails with
// ErrInvalid.
func ParseStatuses(text string) (Statuses, error) {
	if text == "" {
		text = "2xx"
	}
	if statusClass.MatchString(text) {
		from := int(text[0]-'0') * 100
		return Statuses{from, from + 99}, nil
	}
	parts := statusRange.FindStringSubmatch(text)
	if parts == nil {
		return Statuses{}, fmt.Errorf("%w status %q: it is neither a code nor a range of them", ErrInvalid, text)
	}
	from, _ := strconv.Atoi(parts[1]) // three digits
	to := from
	if parts[2] != "" {
		to, _ = strconv.Atoi(parts[2])
	}
	if to < from {
		return Statuses{}, fmt.Errorf("%w status %q: the range is empty", ErrInvalid, text)
	}
	return Statuses{from, to}, nil
}

// Has says whether a status code is in the range.
func (s Statuses) Has(code int) bool { return s.from <= code && code <= s.to }

// String is 200 for a single code, and 200-299 for more.
func (s Statuses) String() string {
	if s.from == s.to {
		return strconv.Itoa(s.from)
	}
	return fmt.Sprintf("%d-%d", s.from, s.to)
}
