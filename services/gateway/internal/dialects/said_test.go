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

func TestWhatBeginsAsJSONIsThatWhateverItsTypeSays(t *testing.T) {
	for _, media := range []string{form, "", "text/plain", "application/json", "application/octet-stream"} {
		s, err := Read(nil, media, []byte("\n {\"mode\": \"docker\", \"script\": \"a=b&c\"}"))
		require.NoError(t, err, media)
		require.Equal(t, []string{"docker", "a=b&c"}, []string{s.Text("mode"), s.Text("script")}, media)
		_, err = Read(nil, media, []byte(`[{"mode": "docker"}]`))
		require.ErrorContains(t, err, "no JSON object", media)
		_, err = Read(nil, media, []byte(`{'mode': 'docker'}`))
		require.ErrorContains(t, err, "line 1, column 2: ' begins a string in Python", media)
	}
}

func TestWhatIsNeitherJSONNorAFormIsCalledWhatItIs(t *testing.T) {
	for body, why := range map[string]string{
		"# start\n{'mode': 'uv', 'force_rebuild': False}": "line 1, column 1: # begins a comment",
		"# 100% sure":                   "line 1, column 1: # begins a comment",
		"// start\n{\"mode\": \"uv\"}":  "line 1, column 1: // begins a comment",
		"\n  request = {'mode': 'uv'}":  "line 2, column 3: request = gives a name to a value, as Python and forms do; JSON has objects: {",
		"token = 'x'":                   "line 1, column 1: token = gives a name to a value",
		"DeploymentRequest(mode='k8s')": "line 1, column 1: DeploymentRequest( is a call in Python",
		"api.start(mode='k8s')":         "line 1, column 1: api.start( is a call in Python",
		"'mode=uv'":                     "line 1, column 1: ' begins a string in Python",
		`"mode=uv"`:                     "no JSON object",
		`<mode a="b"/>`:                 "line 1, column 1: invalid character '<'",
		"{'mode': 'uv'}":                "line 1, column 2: ' begins a string in Python",
		`%7B%22mode%22%3A%22uv%22%7D`:   "line 1, column 1: invalid character '%'",
	} {
		for _, media := range []string{form, "", "text/plain", "application/json"} {
			_, err := Read(nil, media, []byte(body))
			var p *Problem
			require.ErrorAs(t, err, &p, "%s: %s", media, body)
			require.Equal(t, http.StatusBadRequest, p.Status)
			require.Contains(t, p.Detail, why, body)
		}
	}
	for _, media := range []string{"", "text/plain"} {
		_, err := Read(nil, media, []byte("mode='uv'\nenvironment='dev'"))
		require.ErrorContains(t, err, "line 1, column 1: mode= gives a name to a value", media)
	}
	for _, body := range []string{"mode=uv", "&mode=uv", "server_list%5B%5D=a&mode=uv", "server_list[]=a&mode=uv", "mode=uv&a\n", "环境=x&mode=uv", "-x.y=1&mode=uv"} {
		for _, media := range []string{form, "", "text/plain"} {
			s, err := Read(nil, media, []byte(body))
			require.NoError(t, err, body)
			require.Equal(t, "uv", s.Text("mode"), body)
		}
	}
	s, err := Read(nil, form, []byte("script=#!/bin/sh\necho 1\n&mode=uv"))
	require.NoError(t, err, "its type says that it is a form")
	require.Equal(t, "#!/bin/sh\necho 1\n", s.Text("script"))
}

func TestADialectWithoutFormsSaysThatABodyIsNoJSON(t *testing.T) {
	for _, media := range []string{form, "", "text/plain"} {
		_, err := ReadJSON(nil, media, []byte("mode=uv&timeout=300"))
		require.ErrorContains(t, err, "the body is no JSON: line 1, column 1: mode= gives a name to a value, as Python and forms do", media)
		s, err := ReadJSON(url.Values{"limit": {"3"}}, media, []byte(`{"mode": "uv"}`))
		require.NoError(t, err)
		require.Equal(t, "uv", s.Text("mode"))
		require.Equal(t, 3, s.Number("limit"))
	}
}
