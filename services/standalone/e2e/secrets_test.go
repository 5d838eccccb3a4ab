package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// secrets are what must not stand anywhere in clear, by what they are.
type secrets map[string]string

// keyMaterial is a line from the middle of a private key in PEM.
func keyMaterial(pem []byte) string {
	lines := strings.Split(strings.TrimSpace(string(pem)), "\n")
	return lines[len(lines)/2]
}

// needles are the forms in which a secret may stand in something larger: as it is, in hex, as JSON, URLs and Go write it, or
// as a part of something in base64 or base64url, at each of the three places where a part may begin.
func needles(secret string) [][]byte {
	inJSON, _ := json.Marshal(secret) // a text: that cannot fail
	plainJSON := new(bytes.Buffer)
	plain := json.NewEncoder(plainJSON)
	plain.SetEscapeHTML(false)
	_ = plain.Encode(secret)
	quoted := strconv.Quote(secret)
	inHex := hex.EncodeToString([]byte(secret))
	forms := []string{
		secret, inHex, strings.ToUpper(inHex), url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1],
		string(inJSON[1 : len(inJSON)-1]), strings.Trim(strings.TrimSpace(plainJSON.String()), `"`),
	}
	for shift := range 3 {
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			coded := alphabet.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			// What the neighbours have a part in is cut off.
			forms = append(forms, coded[(shift*8+5)/6:len(coded)-4])
		}
	}
	slices.Sort(forms)
	var found [][]byte
	for _, form := range slices.Compact(forms) {
		found = append(found, []byte(form))
	}
	return found
}

// in returns which of the secrets stand in a text.
func (s secrets) in(text []byte) (found []string) {
	for what, secret := range s {
		if slices.ContainsFunc(needles(secret), func(needle []byte) bool { return bytes.Contains(text, needle) }) {
			found = append(found, what)
		}
	}
	return found
}

// inFiles looks into every file below the directory: logs, streams, buckets, documents, answers. What it returns says which
// secret stands in which.
func (s secrets) inFiles(t testing.TB, dir string) (found []string) {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a directory of our own
		if os.IsNotExist(err) {        // a temporary file of a process that runs
			return nil
		}
		files++
		for _, what := range s.in(text) {
			found = append(found, what+" stands in "+path)
		}
		return err
	}))
	require.Greater(t, files, 10, "hardly anything was looked at in %s", dir)
	return found
}

func (s secrets) requireNotInFiles(t testing.TB, dir string) {
	t.Helper()
	require.Empty(t, s.inFiles(t, dir))
}

// inStreams looks into every message of every stream, those behind buckets included.
func (s secrets) inStreams(t testing.TB, js jetstream.JetStream) (found []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience) // without one, the client has five seconds
	defer cancel()
	names := js.StreamNames(ctx)
	streams := 0
	for name := range names.Name() {
		streams++
		for _, m := range readStream(t, js, name) {
			for _, what := range s.in(slices.Concat([]byte(m.subject), []byte{' '}, m.data)) {
				found = append(found, what+" stands in stream "+name+", "+m.subject)
			}
		}
	}
	require.NoError(t, names.Err())
	require.Greater(t, streams, 5)
	return found
}

func (s secrets) requireNotInStreams(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	require.Empty(t, s.inStreams(t, js))
}

func TestASecretIsFoundInEveryFormThatItMayHave(t *testing.T) {
	for _, secret := range []string{"correct horse battery staple", "a+b/c?d=e&f \"g\" <h> \\i\n~~~ ü"} {
		for _, before := range []string{"", "a", "ab", "abc"} {
			text := before + secret + "and more"
			inJSON, err := json.Marshal(text)
			require.NoError(t, err)
			for _, form := range []string{
				text, hex.EncodeToString([]byte(text)), fmt.Sprintf("%X", text), base64.StdEncoding.EncodeToString([]byte(text)),
				base64.URLEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
				url.QueryEscape(text), url.PathEscape(text), string(inJSON), fmt.Sprintf("%q", text),
			} {
				require.Equal(t, []string{"it"}, secrets{"it": secret}.in([]byte(form)), "%q is not found in %q", secret, form)
			}
		}
		require.Empty(t, secrets{"it": secret}.in([]byte(secret[:len(secret)-4])))
	}
}
