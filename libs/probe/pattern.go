package probe

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckQuery fails with ErrInvalid where a query is empty or too long, holds what
// is no text, or a placeholder that stands for nothing. Whether it is PromQL, the
// server finds out.
func CheckQuery(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%w query: it is empty", ErrInvalid)
	case len(text) > MaxQuery:
		return fmt.Errorf("%w query: it is longer than %d bytes", ErrInvalid, MaxQuery)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isControl):
		return fmt.Errorf("%w query: it holds control characters", ErrInvalid)
	}
	return CheckPlaceholders(text)
}

// isControl says whether a character has no place in a text of several lines.
func isControl(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }

// CheckBody fails with ErrInvalid where a text to look for in a body is too
// long, or holds a placeholder that stands for nothing.
func CheckBody(text string) error {
	if len(text) > MaxPattern {
		return fmt.Errorf("%w text: it is longer than %d bytes", ErrInvalid, MaxPattern)
	}
	return CheckPlaceholders(text)
}

// ParsePattern reads a regular expression (RE2) to look for in a body. It fails
// with ErrInvalid.
func ParsePattern(text string) (*regexp.Regexp, error) {
	if len(text) > MaxPattern {
		return nil, fmt.Errorf("%w regular expression: it is longer than %d bytes", ErrInvalid, MaxPattern)
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%w regular expression: %w", ErrInvalid, err)
	}
	return pattern, nil
}
