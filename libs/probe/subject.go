package probe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Subject is the deployment that is measured: what placeholders stand for.
type Subject struct {
	Deployment  string // id
	Application string
	Version     string
}

const version = "{{version}}"

var (
	placeholder  = regexp.MustCompile(`\{\{[^{}]*\}\}`)
	placeholders = []string{"{{deployment}}", "{{application}}", version}
)

// CheckPlaceholders fails with ErrInvalid where the text has a placeholder that
// stands for nothing.
func CheckPlaceholders(text string) error {
	for _, found := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(placeholders, found) {
			return fmt.Errorf("%w placeholder %s: there are %s", ErrInvalid, found, strings.Join(placeholders, ", "))
		}
	}
	return nil
}

// NamesVersion says whether the version of the deployment is put into the text.
func NamesVersion(text string) bool { return strings.Contains(text, version) }

// InText puts the subject in the place of the placeholders, as it is.
func (s Subject) InText(text string) string {
	return s.replace(text, func(value string) string { return value })
}

// InQuery puts the subject in the place of the placeholders of a PromQL query,
// such that nothing in it ends a string literal.
func (s Subject) InQuery(query string) string { return s.replace(query, literal) }

func (s Subject) replace(text string, with func(string) string) string {
	return strings.NewReplacer(
		placeholders[0], with(s.Deployment), placeholders[1], with(s.Application), placeholders[2], with(s.Version),
	).Replace(text)
}

// literal writes a value for the inside of a PromQL string literal of either
// quote. Quotes go by their code: PromQL takes no backslash before the quote that
// the literal is not in.
func literal(value string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		if c < ' ' || strings.IndexByte("\"'`\\", c) >= 0 {
			fmt.Fprintf(&b, `\x%02x`, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
