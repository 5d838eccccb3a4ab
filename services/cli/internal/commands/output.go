package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// asJSON says whether the output is for programs.
func (a *app) asJSON() bool { return a.flags.output == "json" }

// live says whether the output is for a person at a terminal on which lines can be redrawn.
func (a *app) live() bool { return !a.asJSON() && a.onTerminal() }

func (a *app) color() bool {
	return !a.flags.noColor && os.Getenv("NO_COLOR") == "" && a.onTerminal()
}

func (a *app) onTerminal() bool {
	return os.Getenv("TERM") != "dumb" && term.IsTerminal(int(a.out.Fd()))
}

// print writes lines that display made: they are clean.
func (a *app) print(lines ...string) error {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	_, err := a.out.Write(b.Bytes())
	return err
}

// document writes one JSON document, indented.
func (a *app) document(v any) error { return a.encode(v, "  ") }

// encode writes v as JSON. On a terminal too, nothing that is in it can do harm.
func (a *app) encode(v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	_, err := a.out.Write(display.CleanJSON(b.Bytes()))
	return err
}

// show writes v as JSON, or the lines, as was asked for.
func (a *app) show(v any, lines func() []string) error {
	if a.asJSON() {
		return a.document(v)
	}
	return a.print(lines()...)
}

// items is the JSON document of a list, as the API has it.
type items[T any] struct {
	Items []T `json:"items"`
}

// terminal is standard output as display draws on it.
type terminal struct{ *os.File }

// Size returns the size of the terminal in cells.
func (t terminal) Size() (width, height int) {
	width, height, err := term.GetSize(int(t.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}
