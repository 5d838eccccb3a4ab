package field

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTakingFieldsCollectsEveryMistake(t *testing.T) {
	var errs Errors
	o, err := Parse([]byte(`{"s": 1, "b": 1, "i": 1.5, "big": 11, "l": ["a", 2], "m": {"x": 1, "y": null}, "o": [], "extra": 1}`), &errs)
	require.NoError(t, err)
	o.Text("s")
	o.Bool("b")
	o.Int("i", 0, 10)
	o.Int("big", 0, 10)
	o.Texts("l")
	o.TextMap("m", true)
	o.Object("o")
	o.Required("r")
	o.End()
	require.Equal(t, Errors{
		{"s", "must be a string"}, {"b", "must be true or false"}, {"i", "must be a whole number"},
		{"big", "must be between 0 and 10"}, {"l[1]", "must be a string"}, {"m.x", "must be a string"},
		{"o", "must be an object"}, {"r", "is required"}, {"extra", "is not a known field"},
	}, errs)
}

func TestAGoodObjectGivesItsValues(t *testing.T) {
	var errs Errors
	o, err := Parse([]byte(` {"s": "ü", "n": null, "i": 7, "m": {"a": "b", "gone": null}, "in": {"x": "y"}} `), &errs)
	require.NoError(t, err)
	s, ok := o.Required("s")
	require.True(t, ok)
	require.Equal(t, "ü", s)
	_, ok = o.Text("n")
	require.False(t, ok)
	require.True(t, o.Null("n"))
	require.False(t, o.Null("absent"))
	i, _ := o.Int("i", 0, 10)
	require.Equal(t, 7, i)
	m, _ := o.TextMap("m", true)
	require.Equal(t, "b", *m["a"])
	require.Contains(t, m, "gone")
	require.Nil(t, m["gone"])
	in, _ := o.Object("in")
	in.End()
	require.Equal(t, Errors{{"in.x", "is not a known field"}}, errs)
	require.NoError(t, Errors(nil).Err())
}

func TestAnyInputIsReadOrRefused(t *testing.T) {
	for _, text := range []string{"", "{", `{"a"`, `{"a":}`, `{"a":1,}`, "1", "[]", `{"a":1}x`, "\x00", `{"a":"` + "\xff" + `"}`} {
		var errs Errors
		_, err := Parse([]byte(text), &errs)
		require.ErrorIs(t, err, ErrMalformed, "%q", text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a": {"b": [1, "2", null]}, "a": 1}`))
	f.Fuzz(func(_ *testing.T, document []byte) {
		var errs Errors
		if o, err := Parse(document, &errs); err == nil {
			o.TextMap("a", true)
			o.Texts("b")
			o.End()
		}
	})
}

func TestQueryParametersAreTakenLikeFields(t *testing.T) {
	var errs Errors
	q, err := ParseQuery("a=1&a=2&i=x&o=z&l=1&l=2&e=&extra=", &errs)
	require.NoError(t, err)
	_, ok := q.Text("a")
	require.False(t, ok)
	require.Equal(t, 5, q.Int("i", 5, 0, 10))
	require.Empty(t, q.OneOf("o", "x", "y"))
	l, _ := q.Texts("l")
	require.Equal(t, []string{"1", "2"}, l)
	q.Required("e")
	q.Required("r")
	q.End()
	require.Equal(t, Errors{
		{"a", "may be given once"}, {"i", "must be a whole number between 0 and 10"}, {"o", "must be one of [x y]"},
		{"e", "is required"}, {"r", "is required"}, {"extra", "is not a known parameter"},
	}, errs)
	_, err = ParseQuery("a=%zz", &errs)
	require.ErrorIs(t, err, ErrMalformed)
}

func TestAFieldMayBeANumberOrAString(t *testing.T) {
	var errs Errors
	o, err := Parse([]byte(`{"n": 12, "s": "25%", "f": 1.50, "b": true, "l": [], "null": null, "kind": "x", "out": 1, "gone": null}`), &errs)
	require.NoError(t, err)
	for name, want := range map[string]string{"n": "12", "s": "25%", "f": "1.50", "null": "", "absent": ""} {
		got, ok := o.NumberOrText(name)
		require.Equal(t, want, got)
		require.Equal(t, want != "", ok, name)
	}
	o.NumberOrText("b")
	o.NumberOrText("l")
	o.OneOf("kind", "a", "b")
	for _, name := range []string{"out", "gone", "absent"} {
		o.Refuse(name, "is out of place")
	}
	require.False(t, o.Given("out"))
	o.Check("n", "is wrong")
	o.End()
	require.Equal(t, Errors{
		{"b", "must be a number or a string"}, {"l", "must be a number or a string"}, {"kind", "must be one of [a b]"},
		{"out", "is out of place"}, {"n", "is wrong"},
	}, errs)
}

func TestAListOfObjectsIsTakenApart(t *testing.T) {
	var errs Errors
	o, err := Parse([]byte(`{"l": [{"a": "1"}, 2, {"a": 3, "b": 4}, null], "t": "text", "e": []}`), &errs)
	require.NoError(t, err)
	all, ok := o.Objects("l")
	require.False(t, ok)
	require.Len(t, all, 2)
	for _, one := range all {
		one.Text("a")
		one.End()
	}
	_, ok = o.Objects("t")
	require.False(t, ok)
	none, ok := o.Objects("e")
	require.True(t, ok)
	require.Empty(t, none)
	_, ok = o.Objects("absent")
	require.False(t, ok)
	o.End()
	require.Equal(t, Errors{
		{"l[1]", "must be an object"}, {"l[3]", "must be an object"}, {"l[2].a", "must be a string"},
		{"l[2].b", "is not a known field"}, {"t", "must be a list of objects"},
	}, errs)
}
