package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

const (
	maxWindows = 50
	maxExcept  = 400
)

// readCalendar takes when hosts may begin, in its one canonical form; nil where
// that is not said.
func readCalendar(parent *field.Object, errs *field.Errors, now time.Time) *contract.Calendar {
	before := len(*errs)
	o, ok := parent.Object("calendar")
	if !ok {
		return nil
	}
	c := &contract.Calendar{Zone: readZone(o)}
	windows, ok := o.Objects("windows")
	switch {
	case ok && len(windows) > maxWindows:
		o.Check("windows", fmt.Sprintf("must be at most %d", maxWindows))
		windows = nil
	case len(windows) == 0 && (ok || !o.Given("windows") || o.Null("windows")):
		o.Check("windows", "must hold at least one")
	}
	for _, w := range windows {
		c.Windows = append(c.Windows, readWindow(w))
	}
	c.Except = readExcept(o)
	o.End()
	if len(*errs) == before {
		parent.Check("calendar", neverOpen(*c, now))
	}
	return c
}

func readZone(o *field.Object) string {
	zone, given := o.Text("zone")
	if !given {
		return time.UTC.String()
	}
	// Local would be another zone on each machine.
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == time.Local.String() {
		o.Check("zone", "must be a time zone of the IANA database, such as Europe/Berlin")
	}
	return zone
}

func readWindow(o *field.Object) contract.Window {
	w := contract.Window{Days: readDays(o), From: readMinute(o, "from"), To: readMinute(o, "to")}
	o.End()
	return w
}

// readDays takes days of the week, and returns them in their order, each once.
func readDays(o *field.Object) []string {
	week := contract.Weekdays()
	days, given := o.Texts("days")
	if !given {
		return week
	}
	if len(days) == 0 {
		o.Check("days", "must name at least one")
	}
	for i, day := range days {
		if !slices.Contains(week, day) {
			o.Check(fmt.Sprintf("days[%d]", i), fmt.Sprintf("must be one of %v", week))
		}
	}
	return slices.DeleteFunc(week, func(day string) bool { return !slices.Contains(days, day) })
}

func readMinute(o *field.Object, name string) string {
	text, ok := o.Required(name)
	if ok {
		if _, err := contract.Minute(text); err != nil {
			o.Check(name, "must be a time of day such as 22:00")
		}
	}
	return text
}

func readExcept(o *field.Object) []string {
	days, _ := o.Texts("except")
	if len(days) > maxExcept {
		o.Check("except", fmt.Sprintf("must be at most %d", maxExcept))
		return nil
	}
	for i, day := range days {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			o.Check(fmt.Sprintf("except[%d]", i), "must be a day such as 2026-12-24")
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(days)))
}

// neverOpen is what is wrong with a calendar as a whole, each field of which is
// right.
func neverOpen(c contract.Calendar, now time.Time) string {
	calendar, err := c.Domain()
	if err == nil {
		err = calendar.Check(now)
	}
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), deploy.ErrInvalidPlan.Error()+": ")
}
