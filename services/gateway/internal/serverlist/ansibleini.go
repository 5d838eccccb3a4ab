package serverlist

import (
	"strings"
)

// parseINI reads an inventory of Ansible as an INI file: sections [group],
// [group:vars] and [group:children], and hosts with their variables.
func parseINI(text string) ([]Entry, []Bad) {
	a := newAnsible()
	section, part := ungrouped, ""
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.HasSuffix(uncommented(line), "]"):
			section, part = sectionOf(uncommented(line))
			if part != "" && part != "vars" && part != "children" {
				a.wrong(n, "", "there are sections of hosts, of vars and of children alone")
			}
			a.group(section, n)
		case part == "vars":
			name, text, ok := strings.Cut(line, "=")
			if !ok {
				a.wrong(n, "", "must be name=value")
				continue
			}
			text, _, _ = strings.Cut(text, " #")
			a.group(section, n).vars[strings.TrimSpace(name)] = value{unquoted(strings.TrimSpace(text)), n}
		case part == "children":
			child := strings.Fields(line)[0]
			a.group(child, n)
			g := a.group(section, n)
			g.children = append(g.children, child)
		default:
			a.hostLine(a.group(section, n), line, n)
		}
	}
	return a.entries()
}

// sectionOf takes a head such as [web:vars] apart.
func sectionOf(head string) (name, part string) {
	name, part, _ = strings.Cut(strings.TrimSuffix(head[1:], "]"), ":")
	return strings.TrimSpace(name), strings.TrimSpace(part)
}

func uncommented(line string) string {
	line, _, _ = strings.Cut(line, " #")
	return strings.TrimSpace(line)
}

// hostLine reads hosts and their variables.
func (a *ansible) hostLine(to *group, line string, n int) {
	words, ok := words(line)
	if !ok {
		a.wrong(n, "", "has a quotation mark that nothing closes")
		return
	}
	if len(words) == 0 {
		return
	}
	vars := map[string]value{}
	for _, word := range words[1:] {
		name, text, isVar := strings.Cut(word, "=")
		if !isVar {
			a.wrong(n, "", "after the host there are variables alone, as name=value")
			return
		}
		vars[name] = value{text, n}
	}
	pattern := words[0]
	if host, port, hasPort := cutPort(pattern); hasPort {
		pattern = host
		if _, said := vars["ansible_port"]; !said {
			vars["ansible_port"] = value{port, n}
		}
	}
	a.addHosts(to, pattern, n, vars)
}

// cutPort takes host:port apart; the colon of a range and those of IPv6 are others.
func cutPort(pattern string) (host, port string, found bool) {
	at := strings.LastIndexByte(pattern, ':')
	if at < 0 || strings.LastIndexByte(pattern, ']') > at || strings.Count(hostRange.ReplaceAllString(pattern, ""), ":") != 1 {
		return pattern, "", false
	}
	return pattern[:at], pattern[at+1:], true
}

// words cuts a line as a shell does: by spaces that are not quoted, up to a comment.
func words(line string) (all []string, closed bool) {
	var (
		word  strings.Builder
		begun bool
		quote rune
	)
	end := func() {
		if begun {
			all = append(all, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			end()
		case quote == 0 && r == '#' && !begun:
			return all, true
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return all, quote == 0
}

func unquoted(text string) string {
	if len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1]
	}
	return text
}
