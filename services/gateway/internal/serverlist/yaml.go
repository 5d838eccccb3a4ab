package serverlist

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// This parser is not the one that reads the profiles of whoever runs the gateway: it
// bounds how deep a document may be, and says where each value stands.

var yamlLine = regexp.MustCompile(`^(?:unmarshal errors:\s*)?line (\d+): (.*)`)

// document returns what a text in YAML holds.
func document(text string) (*yaml.Node, []Bad) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		line, message := 1, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			line, _ = strconv.Atoi(m[1])
			message = m[2]
		}
		return nil, []Bad{{Line: line, Message: "is not YAML: " + message}}
	}
	if len(doc.Content) == 0 {
		return nil, []Bad{{Line: 1, Message: "there is nothing"}}
	}
	return doc.Content[0], nil
}

// pairs returns what a mapping holds; what is none, and no null, is bad.
func pairs(n *yaml.Node, what string) ([][2]*yaml.Node, []Bad) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, []Bad{{Line: n.Line, Field: what, Message: "must be a mapping, without anchors"}}
	}
	all := make([][2]*yaml.Node, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		all = append(all, [2]*yaml.Node{n.Content[i], n.Content[i+1]})
	}
	return all, nil
}

// parseYAML reads a list of servers, by the names of the API, or a mapping that holds
// it as servers.
func parseYAML(text string) (entries []Entry, bad []Bad) {
	root, bad := document(text)
	if bad != nil {
		return nil, bad
	}
	list := root
	if root.Kind == yaml.MappingNode {
		list = nil
		all, _ := pairs(root, "")
		for _, p := range all {
			if p[0].Value == "servers" {
				list = p[1]
			} else {
				bad = append(bad, Bad{Line: p[0].Line, Field: p[0].Value, Message: "is not known; a list has servers"})
			}
		}
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil, append(bad, Bad{Line: root.Line, Field: "servers", Message: "must be a list of servers"})
	}
	for _, n := range list.Content {
		e, wrong := serverOf(n)
		bad = append(bad, wrong...)
		if e.Name != "" {
			entries = append(entries, e)
		}
	}
	return entries, bad
}

func serverOf(n *yaml.Node) (Entry, []Bad) {
	e := Entry{Line: n.Line, Fields: map[string]any{}}
	all, bad := pairs(n, "")
	for _, p := range all {
		name, value := p[0].Value, p[1]
		switch name {
		case "name":
			e.Name = value.Value
		case "labels":
			labels, wrong := pairs(value, name)
			bad = append(bad, wrong...)
			e.Labels = map[string]string{}
			for _, l := range labels {
				if l[1].Kind != yaml.ScalarNode {
					bad = append(bad, Bad{Line: l[1].Line, Field: "labels." + l[0].Value, Message: "must be a text"})
				}
				e.Labels[l[0].Value] = l[1].Value
			}
		case "credential":
			bad = append(bad, Bad{Line: p[0].Line, Field: name, Message: "stands in no list: it is given with the list, for all new servers"})
		default:
			var plain any
			if value.Kind == yaml.AliasNode || value.Decode(&plain) != nil {
				bad = append(bad, Bad{Line: value.Line, Field: name, Message: "cannot be read"})
				continue
			}
			e.Fields[name] = plain
		}
	}
	if e.Name == "" && len(bad) == 0 {
		bad = append(bad, Bad{Line: n.Line, Field: "name", Message: "is required"})
	}
	return e, bad
}
