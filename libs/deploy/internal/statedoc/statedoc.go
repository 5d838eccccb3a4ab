// Package statedoc writes docs/states.md. What it draws is the table of states
// in libs/deploy; what it says of them stands here.
package statedoc

import (
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Path is where the document is, from the root of the repository.
const Path = "docs/states.md"

// Command writes the document anew, in the root of the repository.
const Command = "make states"

// Render returns the document.
func Render() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# States

<!-- Written by %q from libs/deploy. Changes here are lost, and a test notices them. -->

One table says which states a deployment, a target (a deployment on one host) and a step of it may pass through. It
stands in libs/deploy/state.go, and these diagrams are drawn from it. What a diagram does not show does not happen, but
for the one exception named below it; a state that leads nowhere is never left again.
`, Command)
	for _, subject := range deploy.Subjects() {
		diagram(&b, subject)
	}
	stateTable(&b)
	causeTable(&b)
	dialectTable(&b)
	return b.String()
}

func diagram(b *strings.Builder, subject deploy.Subject) {
	fmt.Fprintf(b, "\n## %s\n\n```mermaid\nstateDiagram-v2\n", title(subject))
	fmt.Fprintf(b, "    [*] --> %s\n", subject.Start())
	for _, row := range subject.Transitions() {
		fmt.Fprintf(b, "    %s --> %s\n", row.From, row.To)
	}
	for _, state := range subject.States() {
		if state.Terminal() {
			fmt.Fprintf(b, "    %s --> [*]\n", state)
		}
	}
	b.WriteString("```\n")
	if note := notes[subject]; note != "" {
		b.WriteString("\n" + note + "\n")
	}
}

func title(s deploy.Subject) string { return strings.ToUpper(string(s[:1])) + string(s[1:]) }

func stateTable(b *strings.Builder) {
	b.WriteString("\n## What the states mean\n\n| state | of | meaning |\n|---|---|---|\n")
	of := map[deploy.State][]string{}
	var order []deploy.State
	for _, subject := range deploy.Subjects() {
		for _, state := range subject.States() {
			if of[state] == nil {
				order = append(order, state)
			}
			of[state] = append(of[state], string(subject))
		}
	}
	for _, state := range order {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", state, strings.Join(of[state], ", "), states[state])
	}
}

func causeTable(b *strings.Builder) {
	b.WriteString("\n## Causes\n\nA cause says to programs why a deployment stands where it does; the reason beside it says it to people.\n\n" +
		"| cause | with | meaning |\n|---|---|---|\n")
	for _, cause := range deploy.Causes() {
		c := causes[cause]
		var with []string
		for _, state := range c.with {
			with = append(with, fmt.Sprintf("`%s`", state))
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", cause, strings.Join(with, ", "), c.meaning)
	}
}

func dialectTable(b *strings.Builder) {
	b.WriteString(`
## The sourcedeploy dialect

Its statuses ([migrating.md](migrating.md#sourcedeploy)) are read from state and cause as follows.

| status | state | cause | also |
|---|---|---|---|
`)
	for _, s := range sourcedeploy {
		state, cause := "–", "–"
		if s.state != "" {
			state = fmt.Sprintf("`%s`", s.state)
		}
		if s.cause != "" {
			cause = fmt.Sprintf("`%s`", s.cause)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.status, state, cause, s.note)
	}
	b.WriteString(`
The dialect has no status for a deployment that is ` + "`paused`, nor for one that is `stopping` or `reverting`" + `
for another cause than the table names: they are ` + "`inprogress`" + `. A cause that the table does not name changes nothing: ` + "`failed`" + ` is ` + "`fail`" + ` unless a row
with its cause says otherwise.
`)
}
