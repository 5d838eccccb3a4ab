package serverlist

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The parsers that there are for this file open what Include names, or stop at Match.
// A list that somebody sends is no reason to open files of the gateway.

// block is what the file says of some hosts.
type block struct {
	patterns []string
	options  []option
}

type option struct {
	name, value string // the name in lower case
	line        int
}

// noted are options that say what a server cannot have.
var noted = map[string]string{
	"identityfile":      "IdentityFile is not taken over: a credential is given with the list, or to the server",
	"certificatefile":   "CertificateFile is not taken over: a credential is given with the list, or to the server",
	"proxycommand":      "ProxyCommand is not taken over: name a jump_host",
	"hostkeyalias":      "HostKeyAlias is not taken over",
	"ciphers":           "Ciphers are not taken over: name legacy_algorithms where they are weak",
	"kexalgorithms":     "KexAlgorithms are not taken over: name legacy_algorithms where they are weak",
	"hostkeyalgorithms": "HostKeyAlgorithms are not taken over: name legacy_algorithms where they are weak",
}

// parseSSHConfig reads the client configuration of OpenSSH: each name of a Host
// section is a server, and of what the file says for it the first counts.
func parseSSHConfig(text string) (entries []Entry, bad []Bad) {
	blocks, names, bad := blocksOf(text)
	for _, n := range names {
		e := Entry{Line: n.line, Name: n.value, Fields: map[string]any{"address": n.value}}
		for name, o := range effective(blocks, n.value) {
			switch name {
			case "hostname":
				e.Fields["address"] = strings.NewReplacer("%h", n.value, "%%", "%").Replace(o.value)
			case "port":
				e.setPort(o.value)
			case "user":
				e.set("user", o.value)
			case "proxyjump":
				jump, note := jumpName(o.value)
				e.set("jump_host", jump)
				if note != "" {
					e.Notes = append(e.Notes, note)
				}
			default:
				if note := noted[name]; note != "" && !strings.EqualFold(o.value, "none") {
					e.Notes = append(e.Notes, note)
				}
			}
		}
		slices.Sort(e.Notes)
		entries = append(entries, e)
	}
	return entries, bad
}

// blocksOf takes the file apart, and returns the names that it has, each once.
func blocksOf(text string) (blocks []block, names []option, bad []Bad) {
	blocks = []block{{patterns: []string{"*"}}}
	seen := map[string]bool{}
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		name, value := keyword(line)
		switch name {
		case "":
		case "host":
			patterns, ok := words(value)
			if !ok || len(patterns) == 0 {
				bad = append(bad, Bad{Line: n, Field: "Host", Message: "must name hosts"})
			}
			blocks = append(blocks, block{patterns: patterns})
			for _, p := range patterns {
				if len(p) > maxPattern {
					bad = append(bad, Bad{Line: n, Field: "Host", Message: "is too long"})
				} else if !strings.ContainsAny(p, "*?!") && !seen[p] {
					seen[p] = true
					names = append(names, option{"host", p, n})
				}
			}
		case "match": // whom it is about is known where ssh runs
			blocks = append(blocks, block{})
		case "include":
			bad = append(bad, Bad{Line: n, Field: "Include", Message: fmt.Sprintf("%s is not opened: send what it holds", value)})
		default:
			last := &blocks[len(blocks)-1]
			last.options = append(last.options, option{name, unquoted(value), n})
		}
	}
	if len(names)*n > maxMatches {
		bad = append(bad, Bad{Line: n, Message: "has too many hosts and lines"})
		names = nil
	}
	return blocks, names, bad
}

// maxMatches bounds how often a name is held to a line.
const maxMatches = 50_000_000

// keyword takes a line apart: name value, or name=value. Without one, the name is "".
func keyword(line string) (name, value string) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", ""
	}
	at := strings.IndexAny(line, " \t=")
	if at < 0 {
		return strings.ToLower(line), ""
	}
	value = strings.TrimSpace(line[at:])
	value = strings.TrimSpace(strings.TrimPrefix(value, "="))
	return strings.ToLower(line[:at]), value
}

// effective is what the file says of a host: of each option the first.
func effective(blocks []block, host string) map[string]option {
	said := map[string]option{}
	for _, b := range blocks {
		if !b.about(host) {
			continue
		}
		for _, o := range b.options {
			if _, before := said[o.name]; !before {
				said[o.name] = o
			}
		}
	}
	return said
}

// about says whether the section is about the host: a pattern fits, and none that is
// negated.
func (b block) about(host string) bool {
	fits := false
	for _, p := range b.patterns {
		negated := strings.HasPrefix(p, "!")
		// '[' means nothing to ssh, and '/' stands in no name.
		ok, err := path.Match(strings.NewReplacer("[", `\[`, `\`, `\\`).Replace(strings.TrimPrefix(p, "!")), host)
		switch {
		case err != nil || !ok:
		case negated:
			return false
		default:
			fits = true
		}
	}
	return fits
}
