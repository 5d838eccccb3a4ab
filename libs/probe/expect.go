package probe

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

var expectation = regexp.MustCompile(`^(<=|>=|==|!=|<|>) *([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$`)

// Expectation is what a number must be, such as "< 0.01".
type Expectation struct {
	op    string
	limit float64
}

// ParseExpectation reads one of < <= > >= == != and a finite decimal number. It
// fails with ErrInvalid.
func ParseExpectation(text string) (Expectation, error) {
	parts := expectation.FindStringSubmatch(text)
	if parts == nil {
		return Expectation{}, fmt.Errorf("%w comparison %q: it is not of the form \"< 0.01\"", ErrInvalid, text)
	}
	limit, err := strconv.ParseFloat(parts[2], 64)
	if err != nil {
		return Expectation{}, fmt.Errorf("%w comparison %q: its number is too large", ErrInvalid, text)
	}
	return Expectation{op: parts[1], limit: limit}, nil
}

// String is the one way to write the expectation.
func (e Expectation) String() string { return e.op + " " + Number(e.limit) }

// Holds says whether a number is as expected. NaN never is.
func (e Expectation) Holds(v float64) bool {
	switch e.op {
	case "<":
		return v < e.limit
	case "<=":
		return v <= e.limit
	case ">":
		return v > e.limit
	case ">=":
		return v >= e.limit
	case "==":
		return v == e.limit
	case "!=":
		return v != e.limit && !math.IsNaN(v)
	default:
		return false
	}
}

// Number writes a number as short as it can be read back.
func Number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
