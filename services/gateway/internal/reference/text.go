package reference

import (
	"html"
	"html/template"
	"regexp"
	"slices"
	"strings"
)

var (
	bold     = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	link     = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
	divider  = regexp.MustCompile(`^\|[-:| ]+\|$`)
	markedUp = regexp.MustCompile("`[^`]*`|[^`]+")
)

// html turns a description, which is Markdown, into HTML: paragraphs, lists, tables,
// code, bold text and links are what descriptions have. The rest stays text.
func (b *book) html(text string) template.HTML {
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(strings.Trim(block, "\n"), "\n")
		switch {
		case strings.TrimSpace(block) == "":
		case strings.HasPrefix(strings.TrimSpace(lines[0]), "|"):
			b.table(&out, lines)
		case strings.HasPrefix(strings.TrimSpace(lines[0]), "- "):
			out.WriteString("<ul>")
			for item := range strings.SplitSeq("\n"+strings.TrimSpace(block), "\n- ") {
				if item != "" {
					out.WriteString("<li>" + b.inline(item) + "</li>")
				}
			}
			out.WriteString("</ul>")
		default:
			out.WriteString("<p>" + b.inline(block) + "</p>")
		}
	}
	return template.HTML(out.String()) //nolint:gosec // inline escapes each text
}

func (b *book) table(out *strings.Builder, lines []string) {
	out.WriteString("<table>")
	cell := "th"
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if divider.MatchString(line) {
			cell = "td"
			continue
		}
		out.WriteString("<tr>")
		for text := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			out.WriteString("<" + cell + ">" + b.inline(strings.TrimSpace(text)) + "</" + cell + ">")
		}
		out.WriteString("</tr>")
	}
	out.WriteString("</table>")
}

// inline is text within a block. In code, the name of a schema and the code of a problem
// lead to them.
func (b *book) inline(text string) string {
	var out strings.Builder
	for _, part := range markedUp.FindAllString(text, -1) {
		if code, ok := strings.CutPrefix(part, "`"); ok {
			code = strings.TrimSuffix(code, "`")
			shown := "<code>" + html.EscapeString(code) + "</code>"
			switch {
			case b.root.at("components", "schemas", code) != nil:
				shown = `<a href="#schema-` + code + `">` + shown + "</a>"
			case slices.ContainsFunc(b.Problems, func(p Problem) bool { return p.Code == code }):
				shown = `<a href="#error-` + code + `">` + shown + "</a>"
			}
			out.WriteString(shown)
			continue
		}
		part = bold.ReplaceAllString(html.EscapeString(part), "<strong>$1</strong>")
		out.WriteString(link.ReplaceAllStringFunc(part, follow))
	}
	return out.String()
}

// follow makes a link of one to the web. Those into the repository lead nowhere here.
func follow(found string) string {
	m := link.FindStringSubmatch(found)
	if !strings.HasPrefix(m[2], "https://") {
		return m[1]
	}
	return `<a href="` + m[2] + `" rel="noreferrer">` + m[1] + "</a>"
}
