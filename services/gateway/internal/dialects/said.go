package dialects

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What can be wrong with a field, in words that a dialect may have others for.
const (
	Missing    = "is required"
	NotText    = "must be a string"
	NotNumber  = "must be a whole number"
	NotBoolean = "must be true or false"
	NotList    = "must be a list of strings"
	NotObject  = "must be an object"
)

const space = " \t\r\n" // in JSON

// Said is what a client says: the fields of its query and its body. What is wrong with
// those that are taken is collected; a field that is absent, null or wrong is the zero
// value.
type Said struct {
	values map[string]any // string, json.Number, bool, []any, map[string]any or nil
	prefix string         // "" or "config."
	wrong  *[]Wrong       // shared with what it is a part of
}

// Read reads a query and a body, which is JSON or a form. A field of the body wins; one of
// the query that is empty is absent. What is neither is a *Problem with the status 400.
func Read(query url.Values, media string, body []byte) (*Said, error) {
	if err := inParts(media, body, "JSON or "+form); err != nil {
		return nil, err
	}
	return read(query, body, isForm(media, body))
}

// ReadJSON is Read where a body is JSON, and nothing else.
func ReadJSON(query url.Values, media string, body []byte) (*Said, error) {
	if err := inParts(media, body, "JSON"); err != nil {
		return nil, err
	}
	return read(query, body, false)
}

func read(query url.Values, body []byte, isForm bool) (*Said, error) {
	s := &Said{values: map[string]any{}, wrong: new([]Wrong)}
	asked := maps.Clone(query)
	maps.DeleteFunc(asked, func(_ string, values []string) bool { return strings.TrimSpace(strings.Join(values, "")) == "" })
	s.addForm(asked)
	switch {
	case isForm:
		fields, err := url.ParseQuery(string(bytes.TrimLeft(body, space)))
		if err != nil {
			return nil, unreadable("the body is no form: %s", err)
		}
		s.addForm(fields)
	case len(bytes.TrimSpace(body)) > 0:
		if err := s.addJSON(body); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func unreadable(format string, args ...any) *Problem {
	return problem(http.StatusBadRequest, "malformed_request", format, args...)
}

func (s *Said) addJSON(body []byte) error {
	if !utf8.Valid(body) {
		return unreadable("the body is no JSON: it is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var fields map[string]any
	err := decoder.Decode(&fields)
	if err == nil {
		if _, after := decoder.Token(); !errors.Is(after, io.EOF) {
			return unreadable("the body is no JSON: something follows the document")
		}
		for name, value := range fields {
			s.values[name] = value
		}
		return nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return unreadable("the body is no JSON: %s", explain(body, syntax))
	}
	return unreadable("the body is no JSON object")
}

// Wrong notes what is wrong with a field.
func (s *Said) Wrong(field, message string) {
	*s.wrong = append(*s.wrong, Wrong{s.prefix + field, message})
}

// Err is a *Problem that names what is wrong with the fields that were taken, or nil.
func (s *Said) Err() error {
	if len(*s.wrong) == 0 {
		return nil
	}
	p := problem(http.StatusBadRequest, "invalid_request", "%d of the fields are not valid", len(*s.wrong))
	p.Fields = *s.wrong
	return p
}

// Empty says whether there is nothing but these fields.
func (s *Said) Empty(but ...string) bool {
	for name := range s.values {
		if !slices.Contains(but, name) {
			return false
		}
	}
	return true
}

// Given says whether the field is there, and not null.
func (s *Said) Given(name string) bool { return s.values[name] != nil }

// Text takes a text. Numbers and booleans are what they are written as.
func (s *Said) Text(name string) string {
	text, ok := textOf(s.values[name])
	if !ok {
		s.Wrong(name, NotText)
	}
	return text
}

func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// Required takes a text that must not be empty.
func (s *Said) Required(name string) string {
	before := len(*s.wrong)
	text := strings.TrimSpace(s.Text(name))
	if text == "" && len(*s.wrong) == before {
		s.Wrong(name, Missing)
	}
	return text
}

// wholeNumber is one, with a fraction that is none.
var wholeNumber = regexp.MustCompile(`^([+-]?[0-9]+)\.0+$`)

// Whole is a whole number as it is written without a fraction; any other text is as it was.
func Whole(text string) string { return wholeNumber.ReplaceAllString(text, "$1") }

// Number takes a whole number, also as a text.
func (s *Said) Number(name string) int {
	text, ok := textOf(s.values[name])
	if text = strings.TrimSpace(text); ok && text == "" {
		return 0
	}
	n, err := strconv.Atoi(Whole(text))
	if !ok || err != nil {
		s.Wrong(name, NotNumber)
		return 0
	}
	return n
}

// Bool takes a boolean, also as 0, 1 or a text, that of Python included.
func (s *Said) Bool(name string) bool {
	text, ok := textOf(s.values[name])
	switch strings.ToLower(Whole(strings.TrimSpace(text))) {
	case "", "false", "0", "no":
		if ok {
			return false
		}
	case "true", "1", "yes":
		return true
	}
	s.Wrong(name, NotBoolean)
	return false
}

// List takes texts: a list, or a text in which they stand as JSON has them, or between commas
// or spaces. Each is there once.
func (s *Said) List(name string) []string {
	var all []string
	switch v := listed(s.values[name]).(type) {
	case nil:
	case []any:
		for _, one := range v {
			text, ok := textOf(one)
			if !ok || text == "" {
				s.Wrong(name, NotList)
				return nil
			}
			all = append(all, text)
		}
	default:
		text, ok := textOf(v)
		if !ok {
			s.Wrong(name, NotList)
		}
		all = []string{text}
	}
	var each []string
	seen := map[string]bool{}
	for _, text := range all {
		for one := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
			if !seen[one] {
				seen[one] = true
				each = append(each, one)
			}
		}
	}
	return each
}

// listed is a value, or the list that it is as a text.
func listed(value any) any {
	text, _ := value.(string)
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var list []any
	if err := decoder.Decode(&list); err != nil || list == nil {
		return value
	}
	if _, after := decoder.Token(); !errors.Is(after, io.EOF) {
		return value
	}
	return list
}

// Object takes an object, to be taken apart in turn; one that is not there is empty.
func (s *Said) Object(name string) *Said {
	inner := &Said{prefix: s.prefix + name + ".", wrong: s.wrong}
	fields, ok := s.values[name].(map[string]any)
	if !ok && s.Given(name) {
		s.Wrong(name, NotObject)
	}
	inner.values = fields
	return inner
}

// Names returns the names of the fields, in order.
func (s *Said) Names() []string { return slices.Sorted(maps.Keys(s.values)) }

// JSON is a field as it was sent: a text as it is, anything else as JSON writes it.
func (s *Said) JSON(name string) string {
	if text, ok := s.values[name].(string); ok {
		return text
	}
	text, _ := json.Marshal(s.values[name]) // JSON it was: that cannot fail
	return string(text)
}

// RequiredList takes texts of which there must be one.
func (s *Said) RequiredList(name string) []string {
	before := len(*s.wrong)
	all := s.List(name)
	if len(all) == 0 && len(*s.wrong) == before {
		s.Wrong(name, Missing)
	}
	return all
}
