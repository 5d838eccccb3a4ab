package analysis

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

const maxComplaint = 300 // characters of what a server says to be wrong

// answer is what Prometheus' HTTP API answers to an instant query:
// https://prometheus.io/docs/prometheus/latest/querying/api/
type answer struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
}

// sample is a time and a value: [1732180000.123, "0.25"].
type sample struct{ value float64 }

// UnmarshalJSON reads the value; the time is that of the query.
func (s *sample) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errNoAnswer
	}
	var text string
	if err := json.Unmarshal(pair[1], &text); err != nil {
		return err
	}
	var err error
	s.value, err = strconv.ParseFloat(text, 64) // NaN, +Inf and -Inf among them
	return err
}

// readAnswer returns the numbers of an answer, one a series.
func readAnswer(status int, body []byte) ([]float64, error) {
	var a answer
	err := json.Unmarshal(body, &a)
	switch {
	case err == nil && a.Status == "error":
		return nil, fmt.Errorf("its server answers %d: %s: %s", status, printable(a.ErrorType), printable(a.Error))
	case status != http.StatusOK:
		return nil, fmt.Errorf("its server answers %d", status)
	case err != nil || a.Status != "success":
		return nil, errNoAnswer
	}
	return a.numbers()
}

func (a answer) numbers() ([]float64, error) {
	switch a.Data.Type {
	case "scalar":
		var one sample
		if json.Unmarshal(a.Data.Result, &one) != nil {
			return nil, errNoAnswer
		}
		return []float64{one.value}, nil
	case "vector":
		var series []struct {
			Value *sample `json:"value"` // nil: a native histogram
		}
		if json.Unmarshal(a.Data.Result, &series) != nil {
			return nil, errNoAnswer
		}
		values := make([]float64, len(series))
		for i, s := range series {
			if s.Value == nil {
				return nil, fmt.Errorf("%w, but a histogram", errNotNumbers)
			}
			values[i] = s.Value.value
		}
		return values, nil
	default:
		return nil, fmt.Errorf("%w, but a %s", errNotNumbers, printable(a.Data.Type))
	}
}

// printable is what a server says, in one line of bounded length.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if r := []rune(text); len(r) > maxComplaint {
		return string(r[:maxComplaint]) + " …"
	}
	return text
}
