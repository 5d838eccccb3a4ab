package probe

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// Page is what the answer to an HTTP request must be.
type Page struct {
	Statuses Statuses
	Body     string         // text to be found in the body, which may hold placeholders; empty: anything
	Matches  *regexp.Regexp // to match in the body; nil: anything
}

// ReadsBody says whether the body matters.
func (p Page) ReadsBody() bool { return p.Body != "" || p.Matches != nil }

// WrongStatus says in words why a status is not right, or "".
func (p Page) WrongStatus(status int) string {
	if p.Statuses.Has(status) {
		return ""
	}
	return fmt.Sprintf("the status is %s, not %s", strconv.Itoa(status), p.Statuses)
}

// WrongBody says in words what is missing in the body, or "".
func (p Page) WrongBody(body []byte, of Subject) string {
	switch {
	case p.Body != "" && !bytes.Contains(body, []byte(of.InText(p.Body))):
		return "the body does not hold the text"
	case p.Matches != nil && !p.Matches.Match(body):
		return "the body does not match the regular expression"
	}
	return ""
}
