package config

import (
	"errors"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readFile reads the file that --config names. It goes by the syntax tree and
// not by a decoder, so that a value keeps the text that was written (a version
// 1.10 stays 1.10, a size stays 64MiB) and each mistake has its line.
func (s *schema) readFile(config given) (source, []error) {
	wrong := func(err error) (source, []error) {
		return nil, []error{&problem{flag: flagName(s.config.key), origin: config.origin, err: err}}
	}
	data, err := os.ReadFile(config.text)
	if err != nil {
		return wrong(err)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return wrong(syntaxError(config.text, err))
	}
	r := &yamlReader{schema: s, path: config.text, src: make(source)}
	var root *ast.MappingNode
	for _, doc := range file.Docs {
		mapping, ok := doc.Body.(*ast.MappingNode)
		switch {
		case doc.Body == nil: // only comments
		case !ok || root != nil:
			return wrong(fmt.Errorf("%s: %w", config.text, errNoGroup))
		default:
			root = mapping
		}
	}
	if root != nil {
		r.group("", root)
	}
	return r.src, r.problems
}

// syntaxError keeps the parser's message and line but not its excerpt of the
// file, which may show a secret.
func syntaxError(path string, err error) error {
	var withToken yaml.Error
	if errors.As(err, &withToken) && withToken.GetToken() != nil {
		return fmt.Errorf("%s:%d: %w: %s",
			path, withToken.GetToken().Position.Line, errNotYAML, withToken.GetMessage())
	}
	return fmt.Errorf("%s: %w", path, errNotYAML)
}

type yamlReader struct {
	schema   *schema
	path     string
	src      source
	problems []error
}

// group reads the mapping that stands at key.
func (r *yamlReader) group(key string, node *ast.MappingNode) {
	for _, entry := range node.Values {
		token := entry.Key.GetToken()
		origin := fmt.Sprintf("%s:%d", r.path, token.Position.Line)
		name := joinKey(key, token.Value)
		f, isSetting := r.schema.keys[name]
		isGroup := r.schema.isGroup(name)
		if !namePattern.MatchString(token.Value) { // nats.url in one key, or ""
			isSetting, isGroup = false, false
		}
		_, empty := entry.Value.(*ast.NullNode)
		switch {
		case !isSetting && !isGroup:
			r.wrong(flagName(r.schema.config.key), origin, fmt.Errorf("unknown key %q", name))
		case empty:
			// A key without a value says nothing.
		case isSetting:
			r.setting(given{form: f, origin: origin}, entry.Value)
		default:
			if nested, ok := entry.Value.(*ast.MappingNode); ok {
				r.group(name, nested)
			} else {
				r.wrong(section{key: name}.flag(), origin, errGroup)
			}
		}
	}
}

func (r *yamlReader) setting(g given, node ast.Node) {
	items, isList := node.(*ast.SequenceNode)
	if !isList {
		text, ok := scalar(node)
		if !ok {
			r.wrong(g.form.flag(), g.origin, errNoScalar)
			return
		}
		g.text = text
	} else {
		g.isList = true
		for _, item := range items.Values {
			text, ok := scalar(item)
			if !ok {
				r.wrong(g.form.flag(), g.origin, errNoScalar)
				return
			}
			g.list = append(g.list, text)
		}
	}
	if err := r.src.add(g); err != nil {
		r.problems = append(r.problems, err)
	}
}

func (r *yamlReader) wrong(flag, origin string, err error) {
	r.problems = append(r.problems, &problem{flag: flag, origin: origin, err: err})
}

// scalar returns the text of a plain value, unquoted.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	default:
		return "", false
	}
}
