package reference

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// node is a value of the document. Its fields keep their order, which is the one that
// people chose.
type node struct {
	scalar any
	keys   []string
	fields map[string]*node
	items  []*node
}

// parse reads a document of YAML.
func parse(source []byte) (*node, error) {
	var root yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(source, &root, yaml.UseOrderedMap()); err != nil {
		return nil, err
	}
	return nodeOf(root), nil
}

func nodeOf(v any) *node {
	n := &node{}
	switch v := v.(type) {
	case yaml.MapSlice:
		n.fields = map[string]*node{}
		for _, item := range v {
			key := fmt.Sprint(item.Key)
			n.keys = append(n.keys, key)
			n.fields[key] = nodeOf(item.Value)
		}
	case []any:
		n.items = []*node{}
		for _, item := range v {
			n.items = append(n.items, nodeOf(item))
		}
	default:
		n.scalar = v
	}
	return n
}

// at returns what stands under these names; nil: nothing does.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		if n == nil {
			return nil
		}
		n = n.fields[name]
	}
	return n
}

// text returns what stands under these names, as people read it; "": nothing does.
func (n *node) text(names ...string) string {
	if n = n.at(names...); n == nil || n.scalar == nil {
		return ""
	}
	return fmt.Sprint(n.scalar)
}

// list returns the items under these names.
func (n *node) list(names ...string) []*node {
	if n = n.at(names...); n == nil {
		return nil
	}
	return n.items
}

// each calls fn for the fields under a name, in their order.
func (n *node) each(name string, fn func(key string, value *node)) {
	if n = n.at(name); n == nil {
		return
	}
	for _, key := range n.keys {
		fn(key, n.fields[key])
	}
}

// value returns the node as encoding/json takes it, its fields in their order.
func (n *node) value() any {
	switch {
	case n.fields != nil:
		o := object{}
		for _, key := range n.keys {
			o = append(o, member{key, n.fields[key].value()})
		}
		return o
	case n.items != nil:
		list := []any{}
		for _, item := range n.items {
			list = append(list, item.value())
		}
		return list
	default:
		return n.scalar
	}
}

// resolve follows a reference. It returns the last part of the reference, too: the name
// of the component; "" where there is none.
func (b *book) resolve(n *node) (*node, string) {
	ref := n.text("$ref")
	if ref == "" {
		return n, ""
	}
	parts := strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	target, _ := b.resolve(b.root.at(parts...))
	return target, parts[len(parts)-1]
}
