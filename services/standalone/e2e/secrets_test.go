package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
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

// needles are the forms in which a secret may stand in something larger: as it is, in hex, or as a part of something in
// base64, at each of the three places where a part may begin.
func needles(secret string) [][]byte {
	forms := [][]byte{[]byte(secret), []byte(hex.EncodeToString([]byte(secret)))}
	for shift := range 3 {
		coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		// What the neighbours have a part in is cut off.
		forms = append(forms, []byte(coded[(shift*8+5)/6:len(coded)-4]))
	}
	return forms
}

func (s secrets) requireNotIn(t testing.TB, where string, text []byte) {
	t.Helper()
	for what, secret := range s {
		for _, needle := range needles(secret) {
			require.False(t, bytes.Contains(text, needle), "%s stands in %s", what, where)
		}
	}
}

// requireNotInFiles looks into every file below the directory: logs, streams, buckets, documents, answers.
func (s secrets) requireNotInFiles(t testing.TB, dir string) {
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
		if err == nil {
			files++
			s.requireNotIn(t, path, text)
		}
		return err
	}))
	require.Greater(t, files, 10, "hardly anything was looked at in %s", dir)
}

// requireNotInStreams looks into every message of every stream, those behind buckets included.
func (s secrets) requireNotInStreams(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	names := js.StreamNames(t.Context())
	streams := 0
	for name := range names.Name() {
		streams++
		for _, m := range readStream(t, js, name) {
			s.requireNotIn(t, "stream "+name+", "+m.subject, m.data)
		}
	}
	require.NoError(t, names.Err())
	require.Greater(t, streams, 5)
}

func TestASecretIsFoundInEveryFormThatItMayHave(t *testing.T) {
	const secret = "correct horse battery staple"
	for _, before := range []string{"", "a", "ab", "abc"} {
		text := before + secret + "and more"
		for _, form := range []string{text, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text))} {
			found := false
			for _, needle := range needles(secret) {
				found = found || strings.Contains(form, string(needle))
			}
			require.True(t, found, "%q is not found in %q", secret, form)
		}
	}
}
