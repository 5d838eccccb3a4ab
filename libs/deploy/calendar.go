package deploy

import (
	"fmt"
	"slices"
	"time"
)

// Calendar is when hosts may begin: within its windows, in its time zone, but on
// no day that is excepted. No calendar (nil) is always open. What has begun when
// a window closes goes on.
type Calendar struct {
	Zone    string   `json:"zone"` // of the IANA database
	Windows []Window `json:"windows"`
	Except  []string `json:"except,omitempty"` // days on which no window opens, as 2026-12-24
}

// Window is a time of day, on some days of the week. One that ends at or before
// the minute at which it begins ends on the day after; a change of the clocks
// within it makes it shorter or longer.
type Window struct {
	Days []time.Weekday `json:"days"`
	From int            `json:"from"` // minutes of the day, 0 to 1439
	To   int            `json:"to"`   // minutes of the day, 0 to 1439
}

// ahead is how many days are looked through for a window that opens.
const ahead = 400

const dayMinutes = 24 * 60

// Check says what is wrong with a calendar.
func (c *Calendar) Check(now time.Time) error {
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return fmt.Errorf("%w: unknown time zone %q", ErrInvalidPlan, c.Zone)
	}
	for _, w := range c.Windows {
		if w.From < 0 || w.From >= dayMinutes || w.To < 0 || w.To >= dayMinutes {
			return fmt.Errorf("%w: a window from minute %d to %d of a day", ErrInvalidPlan, w.From, w.To)
		}
	}
	for _, day := range c.Except {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("%w: %q is no day such as 2026-12-24", ErrInvalidPlan, day)
		}
	}
	if !c.Open(now) && c.Next(now).IsZero() {
		return fmt.Errorf("%w: no window opens within %d days", ErrInvalidPlan, ahead)
	}
	return nil
}

// Open says whether hosts may begin now.
func (c *Calendar) Open(now time.Time) bool {
	if c == nil {
		return true
	}
	today := now.In(c.location())
	for _, day := range []time.Time{today, today.AddDate(0, 0, -1)} {
		for _, w := range c.on(day) {
			if from, to := w.within(day); !now.Before(from) && now.Before(to) {
				return true
			}
		}
	}
	return false
}

// Next is when a window opens after now; zero where none does for more than a
// year.
func (c *Calendar) Next(now time.Time) time.Time {
	if c == nil {
		return time.Time{}
	}
	day := now.In(c.location())
	for range ahead {
		var next time.Time
		for _, w := range c.on(day) {
			if from, to := w.within(day); from.After(now) && to.After(from) {
				next = sooner(next, from.UTC())
			}
		}
		if !next.IsZero() {
			return next
		}
		day = time.Date(day.Year(), day.Month(), day.Day()+1, 12, 0, 0, 0, day.Location()) // noon: no change of clocks skips it
	}
	return time.Time{}
}

// on returns the windows that open on this day.
func (c *Calendar) on(day time.Time) []Window {
	if slices.Contains(c.Except, day.Format(time.DateOnly)) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Windows), func(w Window) bool { return !slices.Contains(w.Days, day.Weekday()) })
}

// within returns when the window opens on this day, and when it closes.
func (w Window) within(day time.Time) (from, to time.Time) {
	at := func(days, minutes int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day()+days, 0, minutes, 0, 0, day.Location())
	}
	if w.To <= w.From {
		return at(0, w.From), at(1, w.To)
	}
	return at(0, w.From), at(0, w.To)
}

// location is the time zone; UTC where this machine does not know it, which Check
// has refused where the calendar was made.
func (c *Calendar) location() *time.Location {
	if l, err := time.LoadLocation(c.Zone); err == nil {
		return l
	}
	return time.UTC
}
