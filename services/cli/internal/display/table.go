package display

import "strings"

// table sets rows in columns under their heads. Cells may hold anything; only the last column may be of any width
// without pushing others. Empty cells show as "-".
func table(heads []string, rows [][]string, color bool) []string {
	widths := make([]int, len(heads))
	for i, head := range heads {
		widths[i] = cells(head)
	}
	clean := make([][]string, len(rows))
	for r, row := range rows {
		clean[r] = make([]string, len(heads))
		for i, cell := range row {
			if cell == "" {
				cell = "-"
			}
			clean[r][i] = Clean(cell)
			widths[i] = max(widths[i], cells(clean[r][i]))
		}
	}
	lines := []string{line{{columns(heads, widths), bold}}.render(color)}
	for _, row := range clean {
		lines = append(lines, columns(row, widths))
	}
	return lines
}

func columns(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(pad(cell, widths[i]+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// field is something that is known of one thing.
type field struct{ name, value string }

// fields sets what is known of one thing below each other. Empty values are left out. A value of several lines goes on
// below its first.
func fields(known []field) []string {
	width := 0
	for _, f := range known {
		width = max(width, cells(f.name))
	}
	var lines []string
	for _, f := range known {
		name, value := f.name, strings.TrimRight(f.value, "\n")
		if value == "" {
			continue
		}
		for part := range strings.SplitSeq(value, "\n") {
			lines = append(lines, pad(name, width)+"  "+Clean(part))
			name = ""
		}
	}
	return lines
}
