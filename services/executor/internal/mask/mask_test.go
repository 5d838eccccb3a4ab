package mask

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretsAreHiddenWhereverTheyStand(t *testing.T) {
	for name, c := range map[string]struct {
		secrets    []string
		text, want string
	}{
		"none":                             {nil, "as it is", "as it is"},
		"not there":                        {[]string{"hunter2"}, "hunter1 hunter3", "hunter1 hunter3"},
		"alone":                            {[]string{"hunter2"}, "hunter2", "***"},
		"in something":                     {[]string{"hunter2"}, "a=hunter2;b=hunter2\n", "a=***;b=***\n"},
		"a beginning at the end":           {[]string{"hunter2"}, "hunter", "hunter"},
		"one after a false start":          {[]string{"aaab"}, "aaaaab", "aa***"},
		"one inside another":               {[]string{"hunter", "hunter2"}, "hunter2 hunter", "*** ***"},
		"one inside another that ends not": {[]string{"hunt", "hunter2"}, "hunter1", "***er1"},
		"overlapping":                      {[]string{"abcdef", "defghi"}, "xabcdefghix", "x***x"},
		"side by side":                     {[]string{"abcd", "efgh"}, "abcdefgh", "***"},
		"with white space around":          {[]string{"\n hunter2\n"}, "[hunter2]", "[***]"},
		"too short":                        {[]string{"abc", " ab ", ""}, "abc ab", "abc ab"},
		"of several lines":                 {[]string{"first\na\nlast one"}, "first\na\nlast one\n", "***\n"},
		"one of its lines":                 {[]string{"first\r\na\r\nlast one\r\n"}, "last one, a, first", "***, a, ***"},
		"UTF-8":                            {[]string{"pässwörd✓"}, "«pässwörd✓»", "«***»"},
	} {
		require.Equal(t, c.want, New(c.secrets...).String(c.text), name)
	}
	var none *Mask
	require.Equal(t, "text", none.String("text"))
}

func TestALongSecretIsHiddenWhole(t *testing.T) {
	for _, length := range []int{chunk - 1, chunk, chunk + 1, 2 * chunk, 1000} {
		secret := random(length)
		require.Equal(t, "a ***, b", New(secret).String("a "+secret+", b"), length)
	}
}

func random(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[rand.IntN(62)]
	}
	return string(text)
}

func TestASecretIsHiddenInItsForms(t *testing.T) {
	const secret = "it's \"100%\" $ecret; a/b\\c&d<e> ünï+😀!"
	m := New(secret, random(200))
	asJSON, err := json.Marshal(secret)
	require.NoError(t, err)
	for name, form := range map[string]string{
		"JSON for HTML":         string(asJSON),
		"JSON":                  `"it's \"100%\" $ecret; a/b\\c&d<e> ünï+😀!"`,
		"JSON of PHP":           `"it's \"100%\" $ecret; a\/b\\c&d<e> \u00fcn\u00ef+\ud83d\ude00!"`,
		"JSON of Python":        `"it's \"100%\" $ecret; a/b\\c&d<e> \u00fcn\u00ef+\ud83d\ude00!"`,
		"a query":               `"` + url.QueryEscape(secret) + `"`,
		"a path":                `"` + url.PathEscape(secret) + `"`,
		"encodeURIComponent":    `"it's%20%22100%25%22%20%24ecret%3B%20a%2Fb%5Cc%26d%3Ce%3E%20%C3%BCn%C3%AF%2B%F0%9F%98%80!"`,
		"urllib.parse.quote":    `"it%27s%20%22100%25%22%20%24ecret%3B%20a/b%5Cc%26d%3Ce%3E%20%C3%BCn%C3%AF%2B%F0%9F%98%80%21"`,
		"HTML":                  `"it&#39;s &#34;100%&#34; $ecret; a/b\c&amp;d&lt;e&gt; ünï+😀!"`,
		"XML":                   `"it's "100%" $ecret; a/b\c&amp;d&lt;e&gt; ünï+😀!"`,
		"set -x":                `"it'\''s "100%" $ecret; a/b\c&d<e> ünï+😀!"`,
		"export -p of dash":     `"it'"'"'s "100%" $ecret; a/b\c&d<e> ünï+😀!"`,
		"base64":                `"` + base64.StdEncoding.EncodeToString([]byte(secret)) + `"`,
		"base64 without ending": `"` + base64.RawURLEncoding.EncodeToString([]byte(secret)) + `"`,
	} {
		hidden := m.String(form)
		require.LessOrEqual(t, len(hidden), len(`"***"`)+2, "%s: %s", name, hidden) // of base64 the end may be shown
		require.Contains(t, hidden, "***", name)
	}
	for before := range 4 { // as in an Authorization header
		hidden := m.String(base64.StdEncoding.EncodeToString([]byte("user:"[:before] + secret + "after")))
		require.LessOrEqual(t, len(hidden), 6+len("***")+10, hidden)
	}
}

// What the programs themselves make of a secret.
func TestASecretIsHiddenInWhatProgramsSay(t *testing.T) {
	token := random(200)
	pem := "-----BEGIN KEY-----\n" + random(64) + "\n" + random(64) + "\n" + random(20) + "\n-----END KEY-----\n"
	const quotes = "it's \"two\" $HOME `x` \\w; (y) & <z>"
	for _, secret := range []string{token, pem, quotes} {
		m := New(secret)
		for _, script := range []string{
			`printf "%s" "$SECRET"`, `set -x; : "$SECRET"`, `export -p | grep -A9 SECRET=`,
			`printf "%s" "$SECRET" | base64`, `echo "$SECRET" | base64`, `printf "%s" "u:$SECRET" | base64 -w0`,
		} {
			for _, shell := range []string{"sh", "bash"} {
				cmd := exec.Command(shell, "-c", script)
				cmd.Env = append(cmd.Environ(), "SECRET="+secret)
				said, err := cmd.CombinedOutput()
				require.NoError(t, err)
				hidden := m.String(string(said))
				require.Contains(t, hidden, "***")
				for at := 0; at+8 <= len(secret); at++ {
					require.NotContains(t, hidden, secret[at:at+8], "%s: %s", shell, script)
				}
				coded := base64.StdEncoding.EncodeToString([]byte(secret))
				for at := 0; at+12 <= len(coded); at++ {
					require.NotContains(t, hidden, coded[at:at+12], "%s: %s", shell, script)
				}
			}
		}
	}
}

func TestAnErrorStaysWhatItIs(t *testing.T) {
	sentinel := errors.New("it failed")
	err := fmt.Errorf("%w: hunter2", sentinel)
	m := New("hunter2")
	require.EqualError(t, m.Error(err), "it failed: ***")
	require.ErrorIs(t, m.Error(err), sentinel)
	require.Equal(t, sentinel, m.Error(sentinel))
	require.NoError(t, m.Error(nil))
	var none *Mask
	require.Equal(t, err, none.Error(err))
}
