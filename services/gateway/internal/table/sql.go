package table

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	statement = regexp.MustCompile(`(?im)^\s*(?:INSERT|REPLACE|CREATE)\s+(?:IGNORE\s+)?(?:INTO|TABLE)\s`)
	column    = regexp.MustCompile("^\\s*([`\"]?)(\\w+)")
	word      = regexp.MustCompile(`\w+`)

	// constraints are what a part of a definition begins with that is no column.
	constraints = []string{"PRIMARY", "KEY", "UNIQUE", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "EXCLUDE"}
)

// dump is a dump while it is read.
type dump struct {
	text    string
	table   Table
	bad     []Bad
	at      int // up to where lines are counted
	line    int // at that place
	columns []string
}

// SQL reads the rows of a table from a dump as mysqldump, Navicat and the like write it.
func SQL(text, name string) (Table, []Bad) {
	quoted := "(?:[`\"\\w]+\\.)?[`\"]?" + regexp.QuoteMeta(name) + "[`\"]?\\s*"
	created := regexp.MustCompile(`(?i)CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?` + quoted + `\(`)
	inserted := regexp.MustCompile(`(?i)(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+` + quoted + `(\([^)]*\))?\s*VALUES\s*`)
	d := &dump{text: text, line: 1}
	if at := created.FindStringIndex(text); at != nil {
		d.define(text[at[1]:])
	}
	for rest := 0; ; {
		at := inserted.FindStringSubmatchIndex(text[rest:])
		if at == nil {
			break
		}
		named := d.columns
		if at[2] >= 0 {
			named = word.FindAllString(text[rest+at[2]:rest+at[3]], -1)
		}
		if rest = d.insert(named, rest+at[1]); rest < 0 {
			break
		}
	}
	if len(d.table.Rows) == 0 && len(d.bad) == 0 {
		d.bad = []Bad{{1, "", "the dump has no rows of " + name}}
	}
	return d.table, d.bad
}

// define takes the columns from a definition, behind its parenthesis.
func (d *dump) define(text string) {
	part := func(text string) {
		m := column.FindStringSubmatch(text)
		if m != nil && (m[1] != "" || !slices.Contains(constraints, strings.ToUpper(m[2]))) {
			d.columns = append(d.columns, m[2])
		}
	}
	from, depth := 0, 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\'':
			if i = quoted(text, i+1, &strings.Builder{}); i < 0 {
				return
			}
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				part(text[from:i])
				return
			}
		case ',':
			if depth == 1 {
				part(text[from:i])
				from = i + 1
			}
		}
	}
}

// insert reads the rows that a statement inserts, and returns where it ends, -1 where
// it has no end.
func (d *dump) insert(named []string, at int) (end int) {
	for _, name := range named {
		if !slices.Contains(d.table.Columns, name) {
			d.table.Columns = append(d.table.Columns, name)
		}
	}
	for {
		for at < len(d.text) && d.text[at] != '(' && d.text[at] != ';' {
			at++
		}
		if at == len(d.text) {
			d.wrong(at, "the dump is cut off")
			return -1
		}
		if d.text[at] == ';' {
			return at + 1
		}
		begun := at
		values, end := tuple(d.text, at+1)
		if end < 0 {
			d.wrong(begun, "the dump is cut off in this row")
			return -1
		}
		at = end
		switch {
		case len(named) == 0:
			d.wrong(begun, "its columns are named nowhere: neither by CREATE TABLE nor by INSERT")
		case len(values) != len(named):
			d.wrong(begun, fmt.Sprintf("has %d values for %d columns", len(values), len(named)))
		default:
			row := Row{d.lineOf(begun), make(map[string]string, len(named))}
			for i, value := range values {
				row.Cells[named[i]] = value
			}
			d.table.Rows = append(d.table.Rows, row)
		}
	}
}

func (d *dump) wrong(at int, message string) {
	d.bad = append(d.bad, Bad{d.lineOf(at), "", message})
}

// lineOf returns the line of a place that is not before the last one asked for.
func (d *dump) lineOf(at int) int {
	d.line += strings.Count(d.text[d.at:at], "\n")
	d.at = at
	return d.line
}

// escapes is what a letter after a backslash stands for in a string of MySQL.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '0': 0, 'Z': 26, 'b': '\b'}

// tuple reads values up to their closing parenthesis, and returns where it goes on, -1
// where there is none. NULL is an empty text.
func tuple(text string, i int) (values []string, end int) {
	var value strings.Builder
	isText := false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			value.Reset() // of what says how the string is written, as _binary
			isText = true
			if i = quoted(text, i+1, &value); i < 0 {
				return nil, -1
			}
		case c == ',' || c == ')':
			said := value.String()
			if !isText && strings.EqualFold(said, "NULL") {
				said = ""
			}
			values = append(values, said)
			value.Reset()
			isText = false
			if c == ')' {
				return values, i + 1
			}
		case c > ' ':
			value.WriteByte(c)
		}
	}
	return nil, -1
}

// quoted reads a string from behind its quote, and returns where the one at its end is,
// -1 where there is none.
func quoted(text string, i int, into *strings.Builder) int {
	for ; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			if c, ok := escapes[text[i]]; ok {
				into.WriteByte(c)
			} else {
				into.WriteByte(text[i])
			}
		case text[i] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
			into.WriteByte('\'')
		case text[i] == '\'':
			return i
		default:
			into.WriteByte(text[i])
		}
	}
	return -1
}
