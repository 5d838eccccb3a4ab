package display

import (
	"fmt"
	"strings"
	"time"
)

// Size writes a number of bytes for people.
func Size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	value, unit := float64(n), 0
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// length writes a length of time for people, in at most six characters up to 99 hours. One that is negative, by clocks
// that differ, is none.
func length(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// took is the time from one moment to another, or to now; empty where it has not begun.
func took(from, to *time.Time, now time.Time) string {
	switch {
	case from == nil:
		return ""
	case to == nil:
		return length(now.Sub(*from))
	default:
		return length(to.Sub(*from))
	}
}

// stamp writes a moment by the clock on the wall.
func stamp(t time.Time) string { return t.Local().Format(time.DateTime) }

// count writes a number of things: "1 host", "2 hosts".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// bar draws how much of the whole is done, in so many cells.
func bar(done, total float64, width int) string {
	full := 0
	if total > 0 {
		full = int(min(max(done/total, 0), 1) * float64(width))
	}
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}
