package hostcmd

import "strings"

var quoter = strings.NewReplacer(`'`, `'\''`, `\`, `'\\'`)

// Quote returns s as one word of shell text that means s and nothing else. It
// is the only place where text becomes part of a command line.
//
// Backslashes go outside the quotes as well, which sh does not need. A login
// shell that is fish does: there \' and \\ are escapes between single quotes
// too. NUL cannot be quoted and must not occur.
func Quote(s string) string {
	return "'" + quoter.Replace(s) + "'"
}

// quoteOnOneLine is Quote for what is read by the line: newlines stand outside
// the quotes, as the variable that the prelude sets to one. Only sh reads it.
func quoteOnOneLine(s string) string {
	return strings.ReplaceAll(Quote(s), "\n", `'"$nl"'`)
}
