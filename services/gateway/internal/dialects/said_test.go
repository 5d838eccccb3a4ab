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

func TestAListIsOneHoweverAFormWritesIt(t *testing.T) {
	want := []string{"s1", "s2", "s3"}
	for _, body := range []string{
		"server_list=s1,s2,s3", "server_list=s1&server_list=s2&server_list=s3", "server_list[]=s1&server_list[]=s2&server_list[]=s3",
		"server_list%5B0%5D=s1&server_list%5B1%5D=s2&server_list%5B2%5D=s3", `server_list=["s1", "s2","s3"]`, `server_list=%5B%22s1%22%2C%22s2%22%2C%22s3%22%5D`,
	} {
		s, err := Read(nil, form, []byte(body))
		require.NoError(t, err, body)
		require.Equal(t, want, s.List("server_list"), body)
		require.NoError(t, s.Err(), body)
		query, err := url.ParseQuery(body)
		require.NoError(t, err)
		s, err = Read(query, "", nil)
		require.NoError(t, err)
		require.Equal(t, want, s.RequiredList("server_list"), body)
	}
	s, err := Read(nil, form, []byte("a[10]=11&a[9]=10&a[0]=1&one[]=x&server_ids=[7, 8.0]&none=[]&wrong=[[]]&b[c]=d&text=[x"))
	require.NoError(t, err)
	require.Equal(t, []string{"1", "10", "11"}, s.List("a"))
	require.Equal(t, []string{"x"}, s.List("one"))
	require.Equal(t, []string{"7", "8.0"}, s.List("server_ids"))
	require.Empty(t, s.List("none"))
	require.Equal(t, "d", s.Text("b[c]"))
	require.Equal(t, []string{"[x"}, s.List("text"))
	require.NoError(t, s.Err())
	require.Empty(t, s.List("wrong"))
	require.Error(t, s.Err())
}

func TestAWholeNumberMayBeWrittenAsAFraction(t *testing.T) {
	s, err := Read(url.Values{"line": {"12.0"}}, "", []byte(`{"timeout": 300.0, "below": -1.00, "big": 9007199254740993.0, "yes": 1.0, "no": 0.0, "text": 3.0, "half": 0.5, "word": "1.x"}`))
	require.NoError(t, err)
	require.Equal(t, []int{12, 300, -1, 9007199254740993}, []int{s.Number("line"), s.Number("timeout"), s.Number("below"), s.Number("big")})
	require.True(t, s.Bool("yes"))
	require.False(t, s.Bool("no"))
	require.Equal(t, "3.0", s.Text("text"), "a text is as it was written")
	require.NoError(t, s.Err())
	s.Number("half")
	s.Number("word")
	var p *Problem
	require.ErrorAs(t, s.Err(), &p)
	require.Equal(t, []Wrong{{"half", NotNumber}, {"word", NotNumber}}, p.Fields)
	for text, want := range map[string]string{"7.0": "7", "7": "7", "7.": "7.", ".0": ".0", "7.01": "7.01", "x.0": "x.0", "": ""} {
		require.Equal(t, want, Whole(text))
	}
}

func TestAQueryThatSaysNothingIsAbsent(t *testing.T) {
	query := url.Values{"page": {""}, "limit": {" "}, "both": {"", ""}, "one": {"", "x"}, "token": {"t"}}
	s, err := Read(query, "application/json", []byte(`{"empty": ""}`))
	require.NoError(t, err)
	for _, name := range []string{"page", "limit", "both"} {
		require.False(t, s.Given(name), name)
	}
	require.True(t, s.Given("one"))
	require.True(t, s.Given("empty"), "it was sent as a text")
	require.Len(t, query, 5, "it is as it was")
}

func TestAFormInPartsIsRefusedForItsType(t *testing.T) {
	const body = "--x\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nDeploy:Core:syncpro\r\n--x--\r\n"
	var p *Problem
	_, err := Read(nil, "multipart/form-data", []byte(body))
	require.ErrorAs(t, err, &p)
	require.Equal(t, Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Detail: "the body is multipart/form-data; send JSON or application/x-www-form-urlencoded"}, *p)
	_, err = ReadJSON(nil, "multipart/form-data", []byte(body))
	require.ErrorAs(t, err, &p)
	require.Equal(t, "the body is multipart/form-data; send JSON", p.Detail)
	s, err := Read(nil, "multipart/form-data", []byte(`{"action": "x"}`))
	require.NoError(t, err)
	require.Equal(t, "x", s.Text("action"))
}
