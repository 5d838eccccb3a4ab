package dialects

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatOldClientsSendIsUnderstood(t *testing.T) {
	s, err := Read(url.Values{"line": {"12"}, "a": {"query"}}, "application/json", []byte(
		`{"a": "body", "n": 7, "t": " 8 ", "yes": "True", "no": 0, "list": ["x", "y", "x"], "text": "x, y x", "null": null, "unknown": {"z": []}}`))
	require.NoError(t, err)
	require.Equal(t, "body", s.Text("a"))
	require.Equal(t, []int{12, 7, 8, 0}, []int{s.Number("line"), s.Number("n"), s.Number("t"), s.Number("absent")})
	require.Equal(t, "7", s.Required("n"))
	require.True(t, s.Bool("yes"))
	require.False(t, s.Bool("no"))
	require.False(t, s.Bool("absent"))
	require.Equal(t, []string{"x", "y"}, s.List("list"))
	require.Equal(t, []string{"x", "y"}, s.RequiredList("text"))
	require.Empty(t, s.List("null"))
	require.False(t, s.Given("null"))
	require.NoError(t, s.Err())

	s, err = Read(nil, form, []byte("k=%27server%27&update=1&server_list=a&server_list=b"))
	require.NoError(t, err)
	require.Equal(t, "'server'", s.Text("k"))
	require.Equal(t, 1, s.Number("update"))
	require.Equal(t, []string{"a", "b"}, s.List("server_list"))
}

func TestEachWrongFieldIsNamedOnce(t *testing.T) {
	s, err := Read(nil, "", []byte(`{"text": {}, "n": "x", "f": 1.5, "b": "maybe", "list": [1, []], "empty": " "}`))
	require.NoError(t, err)
	s.Text("text")
	s.Number("n")
	s.Number("f")
	s.Bool("b")
	s.RequiredList("list")
	s.Required("empty")
	s.Required("absent")
	s.RequiredList("absent_list")
	var p *Problem
	require.ErrorAs(t, s.Err(), &p)
	require.Equal(t, http.StatusBadRequest, p.Status)
	require.Equal(t, []Wrong{
		{"text", NotText}, {"n", NotNumber}, {"f", NotNumber}, {"b", NotBoolean}, {"list", NotList},
		{"empty", Missing}, {"absent", Missing}, {"absent_list", Missing},
	}, p.Fields)
}

func TestWhatIsPythonAndNoJSONIsCalledThat(t *testing.T) {
	for body, why := range map[string]string{
		"{\n  \"a\": False}":     "line 2, column 8: False is Python",
		`{"a": None}`:            "line 1, column 7: None is Python; JSON has null",
		`{"a": 1 # why`:          "line 1, column 9: # begins a comment",
		`{"a": 1, // why`:        "line 1, column 10: // begins a comment",
		`{'a': 1}`:               "line 1, column 2: ' begins a string in Python",
		`{"a": [1,]}`:            "line 1, column 10: ] after a comma",
		`{"a": 1} {}`:            "something follows",
		`[]`:                     "no JSON object",
		`{"a": "` + "\xff" + `"`: "not valid UTF-8",
		`{"a": 1`:                "no JSON object",
	} {
		_, err := Read(nil, "application/json", []byte(body))
		var p *Problem
		require.ErrorAs(t, err, &p, body)
		require.Equal(t, http.StatusBadRequest, p.Status)
		require.Contains(t, p.Detail, why, body)
	}
	_, err := Read(nil, form, []byte("%zz"))
	require.ErrorContains(t, err, "no form")
}
