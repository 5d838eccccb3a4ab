package mask

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// shortest is of how many bytes a text must be to be hidden: less stands in
// harmless texts, too, and would make them unreadable.
const shortest = 4

// chunk is how much of a secret is looked for at once, in bytes. A longer one is hidden
// by its parts, so that little is kept back, and compared, of a text that may go on as
// a secret.
const chunk = 128

// Maskable says whether a value can be hidden in a text: it is long enough, without
// the white space around it.
func Maskable(value string) bool { return len(strings.TrimSpace(value)) >= shortest }

// forms returns what is to be hidden for a secret: itself and each of its lines,
// all as they are and encoded. White space around them is not hidden.
func forms(secret string) []string {
	texts := []string{secret}
	if lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }); len(lines) > 1 {
		texts = append(texts, lines...)
	}
	var all []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); Maskable(text) {
			all = append(all, text)
			all = append(all, quoted(text)...)
			all = append(all, escaped(text)...)
			all = append(all, base64s(text)...)
		}
	}
	return all
}

// quoted is how shells write a text that they are to read again, inside of the quotes
// around it: sh and bash with -x, export -p, declare -p and printf %q.
func quoted(text string) []string {
	return []string{
		strings.ReplaceAll(text, `'`, `'\''`),
		strings.ReplaceAll(text, `'`, `'"'"'`),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(text),
		strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text),
		backslashed(text),
	}
}

// backslashed has a backslash before all that may mean something to a shell.
func backslashed(text string) string {
	var out strings.Builder
	for _, r := range text {
		if strings.ContainsRune(" \t!\"#$&'()*;<=>?[\\]^`{|}~,", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// escaped is a text in JSON, as Go, JavaScript, Python and PHP write it, in a URL, as
// the same do, and in HTML or XML.
func escaped(text string) []string {
	var all []string
	for _, slash := range []string{`/`, `\/`} {
		plain := strings.ReplaceAll(jsonOf(text), `/`, slash)
		all = append(all, plain, asciiOf(plain), strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`).Replace(plain))
	}
	query := url.QueryEscape(text)
	strict := strings.ReplaceAll(query, "+", "%20")
	return append(all, query, strict, url.PathEscape(text),
		strings.ReplaceAll(strict, "%2F", "/"),
		strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(strict),
		html.EscapeString(text),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text))
}

// jsonOf is the inside of a string in JSON that is not made for HTML.
func jsonOf(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string into memory: that cannot fail
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out.String()), `"`), `"`)
}

// asciiOf writes what is not ASCII as JSON may.
func asciiOf(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	return out.String()
}

// wraps are the lengths of line that base64 comes in, in characters: of PEM, and of
// base64(1).
var wraps = []int{64, 76}

// base64s is a text in base64, alone or as part of something longer, as a password in
// a header is: there are three places where it can begin.
func base64s(text string) []string {
	var all []string
	for _, coding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		whole := coding.EncodeToString([]byte(text))
		all = append(all, whole)
		for before := range 3 {
			inside := within(coding, text, before)
			all = append(all, inside)
			if before > 0 {
				continue
			}
			for _, width := range wraps { // alone, but for a newline at its end
				for line := range slices.Chunk([]byte(inside), width) {
					all = append(all, string(line))
				}
			}
		}
	}
	return all
}

// within is what a text has for itself in the base64 of something longer in which so
// many bytes, or three more, stand before it.
func within(coding *base64.Encoding, text string, before int) string {
	coded := coding.WithPadding(base64.NoPadding).EncodeToString([]byte("\x00\x00"[:before] + text))
	first := (before*8 + 5) / 6
	last := (before + len(text)) * 8 / 6
	return coded[first:max(first, last)]
}
