package commands

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// hoursFlags say when hosts may begin: windows one by one, or a calendar in a file.
type hoursFlags struct {
	windows []string
	zone    string
	except  []string
	file    string

	calendar *client.Calendar // once read; nil: at any time
}

func (f *hoursFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.windows, "window", nil, `when hosts may begin, such as "mon-fri 22:00-06:00"; repeat it for more (default: at any time)`)
	flags.StringVar(&f.zone, "zone", "", "with --window: time zone, such as Europe/Berlin (default: UTC)")
	flags.StringSliceVar(&f.except, "except", nil, "with --window: days on which none opens, such as 2026-12-24")
	flags.StringVar(&f.file, "calendar", "", "JSON file with a calendar, instead of --window")
	for _, name := range []string{"window", "zone", "except"} {
		cmd.MarkFlagsMutuallyExclusive("calendar", name)
	}
}

// read finds the calendar.
func (f *hoursFlags) read() (err error) {
	switch {
	case f.file != "":
		f.calendar, err = readDocument[client.Calendar]("calendar", f.file)
		return err
	case f.windows == nil && f.zone != "":
		return usage("--zone goes with --window")
	case f.windows == nil && f.except != nil:
		return usage("--except goes with --window")
	case f.windows == nil:
		return nil
	}
	c := client.Calendar{Zone: f.zone, Except: f.except}
	for _, text := range f.windows {
		w, err := parseWindow(text)
		if err != nil {
			return usage("--window takes days and hours such as \"mon-fri 22:00-06:00\", not %q: %w", text, err)
		}
		c.Windows = append(c.Windows, w)
	}
	f.calendar = &c
	return nil
}

var (
	hours = regexp.MustCompile(`^([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})$`)
	week  = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

// parseWindow reads "22:00-06:00", "sat,sun 22:00-06:00" or "mon-fri 22:00-06:00".
func parseWindow(text string) (client.Window, error) {
	parts := strings.Fields(text)
	var w client.Window
	switch len(parts) {
	case 1:
	case 2:
		var err error
		if w.Days, err = parseDays(parts[0]); err != nil {
			return w, err
		}
	default:
		return w, fmt.Errorf("it has %d parts", len(parts))
	}
	found := hours.FindStringSubmatch(parts[len(parts)-1])
	if found == nil {
		return w, fmt.Errorf("%q are no hours", parts[len(parts)-1])
	}
	w.From, w.To = found[1], found[2]
	return w, nil
}

// parseDays reads days and ranges of them, which may go over the end of the week: fri-mon.
func parseDays(text string) ([]string, error) {
	var days []string
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(week, first), slices.Index(week, last)
		if from < 0 || to < 0 {
			return nil, fmt.Errorf("%q is no day of %s", part, strings.Join(week, ", "))
		}
		for at := from; ; at = (at + 1) % len(week) {
			days = append(days, week[at])
			if at == to {
				break
			}
		}
	}
	return days, nil
}
