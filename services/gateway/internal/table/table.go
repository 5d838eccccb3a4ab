package table

import (
	"fmt"
	"slices"
	"strings"
)

// Table is what was exported.
type Table struct {
	Columns []string // as they are written, in their order
	Rows    []Row
}

// Row is a row, by the names of its columns.
type Row struct {
	Line  int // that it begins on
	Cells map[string]string
}

// Bad is something that cannot be read.
type Bad struct {
	Line    int
	Field   string // or column; "" where it is none
	Message string
}

// Error implements error.
func (b Bad) Error() string {
	if b.Field == "" {
		return fmt.Sprintf("line %d: %s", b.Line, b.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", b.Line, b.Field, b.Message)
}

// Read reads the table of this name from a dump in SQL, or a text that is CSV and has
// that table alone. Rows that cannot be read are left out.
func Read(text, name string) (Table, []Bad) {
	if statement.MatchString(text) {
		return SQL(text, name)
	}
	return CSV(text)
}

// Plain returns the table with its columns in lower case and its cells without spaces
// around them; one that is empty, or has what databases write for nothing at all, is not
// there. Columns of other spellings are called what they stand for. The cells of those that
// are named keep their spaces.
func (t Table) Plain(spellings map[string]string, spaced ...string) Table {
	out := Table{Columns: make([]string, len(t.Columns)), Rows: make([]Row, len(t.Rows))}
	for i, column := range t.Columns {
		name := strings.ToLower(strings.TrimSpace(column))
		if other, ok := spellings[name]; ok {
			name = other
		}
		out.Columns[i] = name
	}
	for i, row := range t.Rows {
		cells := make(map[string]string, len(row.Cells))
		for n, name := range out.Columns {
			cell := row.Cells[t.Columns[n]]
			if !slices.Contains(spaced, name) {
				cell = strings.TrimSpace(cell)
			}
			if cell != "" && cell != "NULL" && cell != `\N` {
				cells[name] = cell
			}
		}
		out.Rows[i] = Row{row.Line, cells}
	}
	return out
}
