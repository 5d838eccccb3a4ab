package config

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// typeName is what Usage calls a type. It is "" when no setting can be of it.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[[]string]():
		return "list"
	case reflect.TypeFor[string]():
		return "text"
	case reflect.TypeFor[bool]():
		return "true|false"
	case reflect.TypeFor[int](), reflect.TypeFor[int64](), reflect.TypeFor[float64]():
		return "number"
	default:
		return ""
	}
}

// set gives the setting the value that a source states.
func (st *setting) set(g given) error {
	if g.isList {
		return st.setList(g.list)
	}
	text := g.text
	if g.form.byFile {
		var err error
		if text, err = readSecret(g.text); err != nil {
			return err
		}
	}
	return parseInto(st.value, text)
}

func (st *setting) setList(items []string) error {
	list, ok := st.value.Addr().Interface().(*[]string)
	if !ok {
		return errNotOneValue
	}
	*list = items
	return nil
}

// readSecret returns what a file holds, less the newline that an editor ends
// it with. An empty file is refused: it is a secret that failed to be written.
func readSecret(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", errEmptyFile
	}
	return text, nil
}

// parseInto parses text as v's type and sets v. It leaves v alone when it
// fails.
func parseInto(v reflect.Value, text string) error {
	var err error
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
	case *Secret:
		*p = Secret(text)
	case *bool:
		err = assign(p, text, "true or false", strconv.ParseBool)
	case *int:
		err = assign(p, text, "a whole number", strconv.Atoi)
	case *int64:
		err = assign(p, text, "a whole number", func(s string) (int64, error) {
			return strconv.ParseInt(s, 10, 64)
		})
	case *float64:
		err = assign(p, text, "a number", parseFinite)
	case *time.Duration:
		err = assign(p, text, "a duration such as 1500ms, 30s or 5m", time.ParseDuration)
	case *Size:
		err = assign(p, text, sizeForm, ParseSize)
	case *[]string:
		var items []string
		if items, err = splitList(text); err == nil {
			*p = items
		}
	}
	return err
}

// assign sets p to what parse makes of text. The parser's own error is left
// out: it would name a function and not what to write.
func assign[T any](p *T, text, want string, parse func(string) (T, error)) error {
	value, err := parse(text)
	if err != nil {
		return fmt.Errorf("%q is not %s", text, want)
	}
	*p = value
	return nil
}

func parseFinite(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrRange
	}
	return f, err
}

// splitList splits at commas and trims the items. No text is no items; an item
// with a comma in it can be given in the file alone.
func splitList(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	items := strings.Split(text, ",")
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
		if items[i] == "" {
			return nil, errEmptyItem
		}
	}
	return items, nil
}
