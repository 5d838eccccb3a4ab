package display

import (
	"strings"

	"github.com/rivo/uniseg"
)

// ink is how a piece of text is coloured: the parameter of an SGR sequence. Empty is as it comes.
type ink string

const (
	plain  ink = ""
	bold   ink = "1"
	dim    ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
	cyan   ink = "36"
)

// span is clean text of one colour.
type span struct {
	text string
	ink  ink
}

// line is one line of a display, before it is known whether there are colours.
type line []span

// text returns one span of text that may be anything.
func text(s string, i ink) span { return span{Clean(s), i} }

// fit cuts the line to so many cells; a cut shows as "…".
func (l line) fit(width int) line {
	var out line
	for i, s := range l {
		if w := cells(s.text); w < width || w == width && i == len(l)-1 {
			out, width = append(out, s), width-w
			continue
		}
		rest := ""
		for _, later := range l[i:] {
			rest += later.text
		}
		return append(out, span{clip(rest, width), s.ink})
	}
	return out
}

// render returns the line, with colours or without, and without spaces at its end.
func (l line) render(color bool) string {
	var b strings.Builder
	for _, s := range l {
		if color && s.ink != plain && strings.TrimSpace(s.text) != "" {
			b.WriteString("\x1b[" + string(s.ink) + "m" + s.text + "\x1b[0m")
		} else {
			b.WriteString(s.text)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// cells is how many columns clean text takes on a terminal.
func cells(s string) int { return uniseg.StringWidth(s) }

// clip cuts clean text to so many cells; a cut shows as "…".
func clip(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if cells(s) <= width {
		return s
	}
	var b strings.Builder
	state, left := -1, width-1
	for len(s) > 0 {
		var cluster string
		var w int
		cluster, s, w, state = uniseg.FirstGraphemeClusterInString(s, state)
		if w > left {
			break
		}
		b.WriteString(cluster)
		left -= w
	}
	return b.String() + "…"
}

// pad fills clean text with spaces up to so many cells.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-cells(s)))
}

// padLeft fills clean text with spaces before it.
func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-cells(s))) + s
}
