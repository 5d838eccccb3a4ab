package reference

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// Page is what is shown, and what a browser may do with it.
type Page struct {
	HTML []byte
	// Policy is the Content-Security-Policy of the page: it loads nothing, runs nothing,
	// and has the one style that is in it.
	Policy string
}

// Problem is a kind of problem that operations answer with.
type Problem struct {
	Code, Title, Hint string
	Status            int
}

// Permission is what operations need.
type Permission struct {
	Name, For, Reach string
	Roles            []string
}

// book is all that the page is made of.
type book struct {
	root *node

	Title, Version, Summary string
	Intro                   template.HTML
	Style                   template.CSS
	Groups                  []group
	Schemas                 []component
	Problems                []Problem
	Permissions             []Permission
}

// group is the operations of a tag.
type group struct {
	Name        string
	Description template.HTML
	Operations  []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Description               template.HTML
	Permission                string // "": everybody may
	Parameters                []parameter
	BodyRequired              bool
	Bodies                    []body
	Responses                 []response
}

type parameter struct {
	Name, In    string
	Required    bool
	Description template.HTML
	Schema      *schema
}

type body struct {
	Media   string
	Schema  *schema
	Example string // "": none
}

type response struct {
	Status      string
	Description template.HTML
	Headers     []parameter
	Bodies      []body
}

type component struct {
	Name   string
	Schema *schema
}

var (
	//go:embed page.html
	layout string
	//go:embed page.css
	style string

	page = template.Must(template.New("page").Parse(layout))
)

// Draw makes the page of a document of OpenAPI 3.1, in YAML.
func Draw(document []byte, problems []Problem, permissions []Permission) (Page, error) {
	root, err := parse(document)
	if err != nil {
		return Page{}, err
	}
	b := &book{root: root, Problems: problems, Permissions: permissions, Style: template.CSS(style)} //nolint:gosec // our own
	b.Title, b.Version, b.Summary = root.text("info", "title"), root.text("info", "version"), root.text("info", "summary")
	b.Intro = b.html(root.text("info", "description"))
	for _, tag := range root.list("tags") {
		b.Groups = append(b.Groups, group{Name: tag.text("name"), Description: b.html(tag.text("description"))})
	}
	if err := b.addOperations(); err != nil {
		return Page{}, err
	}
	root.at("components").each("schemas", func(name string, s *node) {
		b.Schemas = append(b.Schemas, component{name, b.describe(s)})
	})
	slices.SortFunc(b.Schemas, func(x, y component) int { return strings.Compare(x.Name, y.Name) })
	var out bytes.Buffer
	if err := page.Execute(&out, b); err != nil {
		return Page{}, err
	}
	digest := sha256.Sum256([]byte(style))
	return Page{out.Bytes(), fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		base64.StdEncoding.EncodeToString(digest[:]))}, nil
}

func (b *book) addOperations() error {
	var err error
	b.root.each("paths", func(path string, item *node) {
		for _, method := range item.keys {
			if method == "parameters" {
				continue
			}
			op := b.operation(path, method, item)
			tag := item.at(method).list("tags")[0].text()
			at := slices.IndexFunc(b.Groups, func(g group) bool { return g.Name == tag })
			if at < 0 {
				err = fmt.Errorf("%s %s has the tag %q, which is not described", method, path, tag)
				return
			}
			b.Groups[at].Operations = append(b.Groups[at].Operations, op)
		}
	})
	return err
}

func (b *book) operation(path, method string, item *node) operation {
	n := item.at(method)
	op := operation{
		ID: n.text("operationId"), Method: strings.ToUpper(method), Path: path, Summary: n.text("summary"),
		Description: b.html(n.text("description")), Permission: n.text("x-permission"),
	}
	for _, p := range slices.Concat(item.list("parameters"), n.list("parameters")) {
		p, _ = b.resolve(p)
		op.Parameters = append(op.Parameters, b.parameter(p.text("name"), p.text("in"), p))
	}
	if request := n.at("requestBody"); request != nil {
		request, _ = b.resolve(request)
		op.BodyRequired = request.text("required") == "true"
		op.Bodies = b.bodies(request)
	}
	n.each("responses", func(status string, r *node) {
		r, _ = b.resolve(r)
		answer := response{Status: status, Description: b.html(r.text("description")), Bodies: b.bodies(r)}
		r.each("headers", func(name string, h *node) {
			h, _ = b.resolve(h)
			answer.Headers = append(answer.Headers, b.parameter(name, "header", h))
		})
		op.Responses = append(op.Responses, answer)
	})
	return op
}

func (b *book) parameter(name, in string, p *node) parameter {
	return parameter{name, in, p.text("required") == "true", b.html(p.text("description")), b.describe(p.at("schema"))}
}

// bodies are those of a request or an answer. A problem looks like all problems.
func (b *book) bodies(n *node) []body {
	var all []body
	n.each("content", func(media string, m *node) {
		one := body{Media: media, Schema: b.describe(m.at("schema"))}
		if strings.HasSuffix(media, "json") && one.Schema.Component != "Problem" {
			one.Example = b.example(m.at("schema"))
		}
		all = append(all, one)
	})
	return all
}
