package serverlist

import "go.yaml.in/yaml/v3"

// parseAnsibleYAML reads an inventory of Ansible in YAML: groups with hosts, vars and
// children.
func parseAnsibleYAML(text string) ([]Entry, []Bad) {
	root, bad := document(text)
	if bad != nil {
		return nil, bad
	}
	a := newAnsible()
	for _, p := range a.pairs(root, "") {
		a.readGroup(p[0], p[1])
	}
	return a.entries()
}

// pairs is what a mapping holds.
func (a *ansible) pairs(n *yaml.Node, what string) [][2]*yaml.Node {
	all, bad := pairs(n, what)
	a.bad = append(a.bad, bad...)
	return all
}

func (a *ansible) readGroup(name, body *yaml.Node) {
	g := a.group(name.Value, name.Line)
	for _, p := range a.pairs(body, name.Value) {
		switch p[0].Value {
		case "hosts":
			for _, h := range a.pairs(p[1], "hosts") {
				a.addHosts(g, h[0].Value, h[0].Line, a.readVars(h[1]))
			}
		case "vars":
			for k, v := range a.readVars(p[1]) {
				g.vars[k] = v
			}
		case "children":
			for _, child := range a.pairs(p[1], "children") {
				g.children = append(g.children, child[0].Value)
				a.readGroup(child[0], child[1])
			}
		default:
			a.wrong(p[0].Line, p[0].Value, "is not known of a group; there are hosts, vars and children")
		}
	}
}

// readVars takes the variables that are plain. What they lead to by an anchor, or hold
// as lists and mappings, is none of those that count.
func (a *ansible) readVars(n *yaml.Node) map[string]value {
	vars := map[string]value{}
	for _, p := range a.pairs(n, "vars") {
		if p[1].Kind == yaml.ScalarNode && p[1].Tag != "!!null" {
			vars[p[0].Value] = value{p[1].Value, p[1].Line}
		}
	}
	return vars
}
