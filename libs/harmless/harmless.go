// Package harmless writes out what a terminal would act upon, in text that others have
// written: what is shown or saved does nothing but stand there.
package harmless

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Joiners that letters of some scripts, and emoji, need between them. They steer nothing.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// Text returns s on one line and without anything that a terminal would act upon: control characters, marks that turn
// the direction of text, line separators and broken UTF-8 are written out (\x1b, \n, \u202e).
func Text(s string) string {
	if strings.IndexFunc(s, harmful) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case harmful(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// harmful says whether a character is not simply shown. IsPrint knows letters, marks, digits, punctuation, symbols and
// the ASCII space.
func harmful(r rune) bool {
	return !unicode.IsPrint(r) && r != zeroWidthJoiner && r != zeroWidthNonJoiner
}

// JSON returns JSON that means the same, with everything harmful in its strings escaped (\u009b). JSON itself
// allows it there, as it is. Line breaks and indentation stay.
func JSON(raw []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case r == '\n' || !harmful(r) || unicode.Is(unicode.Zs, r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
