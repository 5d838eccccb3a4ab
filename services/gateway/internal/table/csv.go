package table

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
)

// CSV reads a table whose first line names its columns. What is between them is what
// is in that line: commas, semicolons or tabs.
func CSV(text string) (Table, []Bad) {
	text = strings.TrimPrefix(text, "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	head, _, _ := strings.Cut(text, "\n")
	for _, c := range ",;\t" {
		if strings.ContainsRune(head, c) {
			r.Comma = c
			break
		}
	}
	r.TrimLeadingSpace = r.Comma != '\t'
	columns, err := r.Read()
	if err != nil {
		return Table{}, []Bad{badCSV(err)}
	}
	t := Table{Columns: columns}
	var bad []Bad
	for i, column := range columns {
		if slices.Contains(columns[:i], column) {
			bad = append(bad, Bad{1, column, "is named twice"})
		}
	}
	for {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return t, bad
		case errors.Is(err, csv.ErrFieldCount):
			bad = append(bad, badCSV(err))
		case err != nil:
			return t, append(bad, badCSV(err)) // where the next line begins is not known
		default:
			line, _ := r.FieldPos(0)
			row := Row{line, make(map[string]string, len(columns))}
			for i, column := range columns {
				row.Cells[column] = cells[i]
			}
			t.Rows = append(t.Rows, row)
		}
	}
}

func badCSV(err error) Bad {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return Bad{p.StartLine, "", p.Err.Error()}
	}
	return Bad{1, "", "there is no line that names the columns"}
}
