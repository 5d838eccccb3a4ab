package reference

import (
	"fmt"
	"html/template"
	"strings"
)

// schema is what is said of a schema.
type schema struct {
	Component   string // that it is; said elsewhere
	Type        string
	Description template.HTML
	Limits      []string
	Values      []string // that it may have
	Fields      []property
	Items       *schema // of an array
	Entries     *schema // of an object with any keys
	Word        string  // of the choices: one of, any of, all of
	Choices     []*schema
	Title       string
}

// property is a field of an object.
type property struct {
	Name     string
	Required bool
	Schema   *schema
}

// kinds returns the types of a schema, at least one; "": any.
func kinds(s *node) []string {
	t := s.at("type")
	switch {
	case t == nil && s.at("properties") != nil:
		return []string{"object"}
	case t == nil:
		return []string{""}
	case t.items == nil:
		return []string{t.text()}
	}
	var all []string
	for _, one := range t.items {
		all = append(all, one.text())
	}
	return all
}

// describe says what there is to say of a schema; of a component, only what is said of it
// here.
func (b *book) describe(n *node) *schema {
	if n == nil {
		return nil
	}
	_, component := b.resolve(n)
	s := &schema{Component: component, Description: b.html(n.text("description")), Title: n.text("title")}
	if component != "" {
		return s
	}
	s.Type = typeOf(n)
	s.Limits = limits(n)
	for _, v := range n.list("enum") {
		s.Values = append(s.Values, v.text())
	}
	if v := n.at("const"); v != nil {
		s.Values = []string{v.text()}
	}
	n.each("properties", func(name string, p *node) {
		s.Fields = append(s.Fields, property{name, mandatory(n, name), b.describe(p)})
	})
	s.Items = b.describe(n.at("items"))
	if entries := n.at("additionalProperties"); entries != nil && entries.fields != nil {
		s.Entries = b.describe(entries)
	}
	b.describeChoices(s, n)
	return s
}

func (b *book) describeChoices(s *schema, n *node) {
	for _, word := range [][2]string{{"oneOf", "one of"}, {"anyOf", "any of"}, {"allOf", "all of"}} {
		for _, choice := range n.list(word[0]) {
			s.Word = word[1]
			if choice.at("required") != nil && choice.at("properties") == nil {
				s.Limits = append(s.Limits, "or with "+joined(choice.list("required")))
				continue
			}
			s.Choices = append(s.Choices, b.describe(choice))
		}
	}
}

// mandatory is required by the schema itself, whatever else is chosen.
func mandatory(n *node, name string) bool {
	for _, r := range n.list("required") {
		if r.text() == name {
			return true
		}
	}
	return false
}

func joined(list []*node) string {
	var all []string
	for _, n := range list {
		all = append(all, n.text())
	}
	return strings.Join(all, ", ")
}

func typeOf(n *node) string {
	said := strings.Join(kinds(n), " or ")
	if f := n.text("format"); f != "" {
		said += " (" + f + ")"
	}
	return said
}

// limits says what a value must keep to.
func limits(n *node) []string {
	var all []string
	between := func(least, most, unit string) {
		low, high := n.text(least), n.text(most)
		switch {
		case low != "" && high != "":
			all = append(all, fmt.Sprintf("%s to %s%s", low, high, unit))
		case low != "":
			all = append(all, fmt.Sprintf("at least %s%s", low, unit))
		case high != "":
			all = append(all, fmt.Sprintf("at most %s%s", high, unit))
		}
	}
	between("minimum", "maximum", "")
	between("exclusiveMinimum", "exclusiveMaximum", ", not itself")
	between("minLength", "maxLength", " characters")
	between("minItems", "maxItems", " items")
	between("minProperties", "maxProperties", " fields")
	if p := n.text("pattern"); p != "" {
		all = append(all, p)
	}
	if n.text("uniqueItems") == "true" {
		all = append(all, "each once")
	}
	if d := n.at("default"); d != nil {
		all = append(all, "default "+d.text())
	}
	return all
}
