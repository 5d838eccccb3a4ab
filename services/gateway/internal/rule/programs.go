package rule

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrograms bounds the configuration of a supervisord, in bytes.
const maxPrograms = 64 << 10

// section is what a file may hold that supervisord includes: nothing in it is about
// supervisord itself, or about another file.
var section = regexp.MustCompile(`^\[(program|fcgi-program|eventlistener|group):[^\s:\[\]]{1,63}\]$`)

// Programs is the configuration of programs for a supervisord.
func Programs(s string) string {
	if len(s) > maxPrograms {
		return "must be at most 64 KiB"
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }) {
		return "must be text without control characters"
	}
	found := false
	for line := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "[") {
			continue
		}
		if !section.MatchString(line) {
			return "must hold sections [program:NAME], [fcgi-program:NAME], [eventlistener:NAME] and [group:NAME] alone, each on a line of its own"
		}
		found = true
	}
	if !found {
		return "must hold at least one section, such as [program:NAME]"
	}
	return ""
}
