package dialects

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// strangers are what people take for JSON because a document of Python shows it.
var strangers = []struct {
	form *regexp.Regexp // at the place that is no JSON
	why  string
}{
	{regexp.MustCompile(`^(True|False)\b`), "%s is Python; JSON has true and false"},
	{regexp.MustCompile(`^None\b`), "%s is Python; JSON has null"},
	{regexp.MustCompile(`^(#|//|/\*)`), "%s begins a comment, and JSON has none"},
	{regexp.MustCompile(`^'`), "%s begins a string in Python; JSON has double quotes"},
	{regexp.MustCompile(`^[A-Za-z_][\w.]*\s*\(`), "%s is a call in Python; JSON has objects: {\"name\": \"value\"}"},
	{regexp.MustCompile(`^[A-Za-z_][\w.]*\s*=`), "%s gives a name to a value, as Python and forms do; JSON has objects: {\"name\": \"value\"}"},
	{regexp.MustCompile(`^[}\]]`), "%s after a comma: JSON has no comma behind the last one"},
}

// explain says where a document is no JSON, and why where that is known. One that does not
// begin as JSON is looked at from its beginning, however far it goes on as a word that JSON
// has.
func explain(document []byte, err *json.SyntaxError) string {
	at := int(min(max(err.Offset-1, 0), int64(len(document))))
	if begin := len(document) - len(bytes.TrimLeft(document, space)); !bytes.ContainsAny(document[begin:begin+1], "{[\"") {
		at = begin
	}
	before := document[:at]
	place := fmt.Sprintf("line %d, column %d: ", 1+bytes.Count(before, []byte("\n")),
		1+utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]))
	for _, s := range strangers {
		if found := s.form.Find(document[at:]); found != nil {
			return place + fmt.Sprintf(s.why, found)
		}
	}
	return place + err.Error()
}
