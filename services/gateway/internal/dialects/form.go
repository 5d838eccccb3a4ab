package dialects

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	form  = "application/x-www-form-urlencoded"
	parts = "multipart/"
)

var (
	// fieldName is what a field of a form is called; that of a list may have brackets behind it.
	fieldName = regexp.MustCompile(`^[\pL\pN_$.-]+(\[[\pL\pN_.-]*\])*$`)
	// element is the name of one of a list, as PHP writes it, and axios.
	element = regexp.MustCompile(`^([^\[]+)\[[0-9]*\]$`)
)

// isForm says whether a body is a form. Its type does not settle that: curl says of all that
// it is a form, and who says nothing, or that it is a text, sends both. What is not called a
// form and has lines is a part of a program.
func isForm(media string, body []byte) bool {
	body = bytes.TrimSpace(body)
	if media != form && (media != "" && media != "text/plain" || bytes.ContainsAny(body, "\r\n")) {
		return false
	}
	first, _, _ := bytes.Cut(bytes.TrimLeft(body, "&"), []byte("&"))
	first, _, _ = bytes.Cut(first, []byte("="))
	name, err := url.QueryUnescape(string(first))
	if err != nil { // a form that is wrong is one
		name = strings.ReplaceAll(string(first), "%", "")
	}
	return fieldName.MatchString(name)
}

// inParts refuses a form of which each field is a part of its own, as curl -F sends it.
func inParts(media string, body []byte, others string) error {
	if !strings.HasPrefix(media, parts) || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("--")) {
		return nil
	}
	return problem(http.StatusUnsupportedMediaType, "unsupported_media_type", "the body is %s; send %s", media, others)
}

// addForm adds fields of a form; one that is given twice is a list.
func (s *Said) addForm(fields url.Values) {
	lists := map[string][]any{}
	byNumber := func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) } // a[9] before a[10]
	for _, name := range slices.SortedFunc(maps.Keys(fields), byNumber) {
		values := fields[name]
		if of := element.FindStringSubmatch(name); of != nil {
			name = of[1]
		} else if len(values) == 1 {
			s.values[name] = values[0]
			continue
		}
		for _, v := range values {
			lists[name] = append(lists[name], v)
		}
	}
	for name, list := range lists {
		s.values[name] = list
	}
}
