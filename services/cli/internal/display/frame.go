package display

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// View is a deployment under way, as it is shown.
type View struct {
	Deployment client.Deployment
	Targets    []client.Target // as far as they are known, in the order of the plan
	Now        time.Time       // by the gateway's clock
	Notice     string          // what the user should know of the display itself, empty for nothing
}

// Widths of the parts of a host's line, in cells. A terminal too narrow for all of them goes without the bar, and then
// without the time.
const (
	barWidth      = 12
	tookWidth     = 6
	leastName     = 8
	wideForBar    = 56
	wideForTook   = 30
	mostForName   = 3 // the name takes at most one part of so many of the line
	leastHostRows = 1
)

// Frame draws a deployment for a terminal of this size: a title, a line a host, and how many hosts are where. Where
// the hosts do not fit, those that failed and those that run come first, and the rest is counted. It leaves the last
// line and the last column free.
func Frame(v View, width, height int, color bool) []string {
	width = max(width-1, 8)
	var foot []line
	if v.Notice != "" {
		foot = append(foot, line{text(v.Notice, yellow)})
	}
	if v.Deployment.ID == "" { // before the first look at it
		return drawn(foot, width, color)
	}
	if waits := held(v.Deployment); waits != "" {
		foot = append([]line{{text(waits, yellow)}}, foot...)
	}
	foot = append([]line{tally(v.Deployment.Counts)}, foot...)
	head := line{text(title(v.Deployment), bold), span{" on " + count(v.Deployment.Targets, "host"), plain}}
	if v.Deployment.Waves > 1 {
		head = append(head, span{fmt.Sprintf(", wave %d of %d", v.Deployment.Wave+1, v.Deployment.Waves), plain})
	}
	if at := took(&v.Deployment.AcceptedAt, v.Deployment.EndedAt, v.Now); at != "" {
		head = append(head, span{"  " + at, dim})
	}
	shown, rest := choose(v.Targets, height-2-len(foot))
	lines := []line{head}
	lines = append(lines, hostLines(v, shown, width)...)
	if rest != (client.Counts{}) {
		lines = append(lines, append(line{{"… and ", dim}}, tally(rest)...))
	}
	lines = append(lines, foot...)
	return drawn(lines[:min(len(lines), max(height-1, 1))], width, color)
}

func drawn(lines []line, width int, color bool) []string {
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.fit(width).render(color)
	}
	return texts
}

// choose returns the hosts to show on so many lines, and how many of the others are where. Where there are others, one
// of the lines is left for saying so.
func choose(targets []client.Target, rows int) ([]client.Target, client.Counts) {
	rows = max(rows, leastHostRows)
	if len(targets) <= rows {
		return targets, client.Counts{}
	}
	rows = max(rows-1, leastHostRows)
	ranked := map[client.State][]client.Target{}
	for _, t := range targets {
		ranked[t.State] = append(ranked[t.State], t)
	}
	// A fleet that fails as a whole must not hide that some of it still runs.
	failed := len(ranked[client.Failed])
	failed = min(failed, max(rows-len(ranked[client.Running]), (rows+1)/2))
	shown := append([]client.Target{}, ranked[client.Failed][:failed]...)
	ranked[client.Failed] = ranked[client.Failed][failed:]
	for _, s := range []client.State{client.Running, client.Failed, client.Pending, client.Succeeded, client.Skipped, client.Cancelled} {
		n := min(len(ranked[s]), rows-len(shown))
		shown = append(shown, ranked[s][:n]...)
		ranked[s] = ranked[s][n:]
	}
	return shown, client.Counts{
		Pending: len(ranked[client.Pending]), Running: len(ranked[client.Running]),
		Succeeded: len(ranked[client.Succeeded]), Failed: len(ranked[client.Failed]), Skipped: len(ranked[client.Skipped]),
		Cancelled: len(ranked[client.Cancelled]),
	}
}

func hostLines(v View, targets []client.Target, width int) []line {
	name := leastName
	for _, t := range targets {
		name = max(name, cells(Clean(t.Name)))
	}
	name = min(name, max(leastName, width/mostForName))
	lines := make([]line, 0, len(targets))
	for _, t := range targets {
		lines = append(lines, hostLine(v, t, name, width))
	}
	return lines
}

func hostLine(v View, t client.Target, name, width int) line {
	m := mark(t.State)
	l := line{m, span{" " + pad(clip(Clean(t.Name), name), name) + "  ", plain}}
	if width >= wideForBar {
		done, total := progress(v.Deployment.Kind, t)
		l = append(l, span{bar(done, total, barWidth) + "  ", m.ink})
	}
	if width >= wideForTook {
		l = append(l, span{padLeft(took(t.StartedAt, t.EndedAt, v.Now), tookWidth) + "  ", dim})
	}
	return append(l, doing(v.Deployment, t))
}

// progress is how many steps of how many a host has behind it, the running one by its bytes.
func progress(kind string, t client.Target) (done, total float64) {
	all := max(stepsOf(kind), len(t.Steps))
	if t.State == client.Succeeded {
		return 1, 1
	}
	for _, s := range t.Steps {
		if s.State == client.Succeeded || s.State == client.Skipped {
			done++
		} else if s.State == client.Running && s.Step == t.Step && t.TotalBytes > 0 {
			done += min(float64(t.DoneBytes)/float64(t.TotalBytes), 1)
		}
	}
	return done, float64(all)
}

// doing says what happens on a host, or what came of it.
func doing(d client.Deployment, t client.Target) span {
	switch t.State {
	case client.Pending:
		if t.Wave > d.Wave {
			return span{fmt.Sprintf("waits for wave %d", t.Wave+1), dim}
		}
		return span{"waits", dim}
	case client.Running:
		return text(running(t), plain)
	case client.Failed:
		if t.Step != "" {
			return text(t.Step+": "+outcome(t), red)
		}
		return text(outcome(t), red)
	case client.Skipped, client.Cancelled:
		return text(outcome(t), yellow)
	default:
		return text(outcome(t), plain)
	}
}

func running(t client.Target) string {
	now := t.Step
	if now == "" {
		now = "begins"
	}
	switch {
	case t.TotalBytes > 0:
		now += " " + Size(t.DoneBytes) + " of " + Size(t.TotalBytes)
	case t.DoneBytes > 0:
		now += " " + Size(t.DoneBytes)
	}
	if t.Attempt > 1 {
		now += fmt.Sprintf(" (attempt %d)", t.Attempt)
	}
	return now
}

// Transfer draws how far something has come, in bytes, for a terminal of this width. A notice, if there is one, comes
// below.
func Transfer(what string, done, total int64, elapsed time.Duration, notice string, width int, color bool) []string {
	width = max(width-1, 8)
	l := line{text(what, plain), span{"  ", plain}}
	if width >= wideForBar {
		l = append(l, span{bar(float64(done), float64(total), barWidth) + "  ", cyan})
	}
	l = append(l, span{Size(done) + " of " + Size(total), plain})
	if elapsed >= time.Second && done > 0 {
		l = append(l, span{fmt.Sprintf("  %s/s", Size(int64(float64(done)/elapsed.Seconds()))), dim})
	}
	lines := []string{l.fit(width).render(color)}
	if notice != "" {
		lines = append(lines, line{text(notice, yellow)}.fit(width).render(color))
	}
	return lines
}
