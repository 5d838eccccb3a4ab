package reference

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	apispecs "github.com/slipway-deploy/slipway/api-specs"
	"github.com/slipway-deploy/slipway/libs/openapitest"
)

// drawn returns the page, with every permission of the document and one code.
func drawn(t *testing.T) Page {
	t.Helper()
	var permissions []Permission
	for _, op := range openapitest.Load().Operations() {
		permissions = append(permissions, Permission{Name: op.Permission, For: "people"})
	}
	p, err := Draw(apispecs.OpenAPI, []Problem{{Code: "not_found", Title: "Not found", Hint: "Look elsewhere.", Status: 404}}, permissions)
	require.NoError(t, err)
	return p
}

// tree returns all elements of the page.
func tree(t *testing.T, p Page) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(string(p.HTML)))
	require.NoError(t, err)
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words returns what people read of an element.
func words(n *html.Node) string {
	var all strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			all.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}

func TestEveryOperationIsOnThePage(t *testing.T) {
	d := openapitest.Load()
	shown := map[string]string{}
	for _, n := range tree(t, drawn(t)) {
		if n.Data == "article" {
			shown[attribute(n, "id")] = words(n)
		}
	}
	for _, op := range d.Operations() {
		id, _ := d.At(op.Pointer + "/operationId")
		said := shown[id.(string)]
		require.Contains(t, said, op.Name())
		if op.Permission != "" {
			require.Contains(t, said, "needs "+op.Permission, op.Name())
		} else {
			require.Contains(t, said, "needs no credential", op.Name())
		}
		for _, p := range d.Parameters(op) {
			require.Contains(t, said, p.Name+" ", op.Name())
		}
		bodies, _ := d.Bodies(op)
		for media := range bodies {
			require.Contains(t, said, media, op.Name())
		}
		responses, _ := d.At(op.Pointer + "/responses")
		for status := range responses.(map[string]any) {
			require.Contains(t, said, status, op.Name())
		}
	}
	schemas, _ := d.At("/components/schemas")
	for name, s := range schemas.(map[string]any) {
		said, ok := shown["schema-"+name]
		require.True(t, ok, name)
		properties, _ := s.(map[string]any)["properties"].(map[string]any)
		for field := range properties {
			require.Contains(t, said, field, name)
		}
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	all := tree(t, drawn(t))
	ids := map[string]bool{}
	for _, n := range all {
		if id := attribute(n, "id"); id != "" {
			require.False(t, ids[id] && !strings.HasPrefix(id, "permission-"), "%s is the name of two places", id)
			ids[id] = true
		}
	}
	within := 0
	for _, n := range all {
		if n.Data != "a" {
			continue
		}
		href := attribute(n, "href")
		if place, ok := strings.CutPrefix(href, "#"); ok {
			require.True(t, ids[place], "nothing is at %s", href)
			within++
			continue
		}
		require.True(t, href == "/openapi.yaml" || strings.HasPrefix(href, "https://"), "%s leads nowhere", href)
	}
	require.Greater(t, within, 200)
}

func TestThePageKeepsToItsPolicy(t *testing.T) {
	p := drawn(t)
	require.True(t, strings.HasPrefix(p.Policy, "default-src 'none'; style-src 'sha256-"), p.Policy)
	require.NotContains(t, p.Policy, "unsafe")
	styles := 0
	for _, n := range tree(t, p) {
		switch n.Data {
		case "script", "link", "img", "iframe", "object", "embed", "base", "form", "svg", "video", "audio":
			require.Fail(t, "the page has what its policy forbids", n.Data)
		case "style":
			styles++
			digest := sha256.Sum256([]byte(n.FirstChild.Data))
			require.Contains(t, p.Policy, "'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'")
			require.NotContains(t, n.FirstChild.Data, "url(")
			require.NotContains(t, n.FirstChild.Data, "@import")
		}
		for _, a := range n.Attr {
			require.False(t, a.Key == "style" || a.Key == "src" || strings.HasPrefix(a.Key, "on"), "<%s %s>", n.Data, a.Key)
		}
	}
	require.Equal(t, 1, styles)
}

// Who copies an example gets something that the gateway can read.
func TestEveryExampleIsValid(t *testing.T) {
	root, err := parse(apispecs.OpenAPI)
	require.NoError(t, err)
	b, d, checked := &book{root: root}, openapitest.Load(), 0
	for _, op := range d.Operations() {
		bodies, _ := d.Bodies(op)
		responses, _ := d.At(op.Pointer + "/responses")
		for status := range responses.(map[string]any) {
			answer, pointer := d.At(op.Pointer + "/responses/" + status)
			content, _ := answer.(map[string]any)["content"].(map[string]any)
			for media := range content {
				bodies[status+" "+media] = pointer + "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema"
			}
		}
		for media, pointer := range bodies {
			if !strings.HasSuffix(media, "json") {
				continue
			}
			example := b.example(b.under(pointer))
			require.NoError(t, d.CheckJSON(pointer, []byte(example)), "%s %s:\n%s", op.Name(), media, example)
			checked++
		}
	}
	require.Greater(t, checked, 100)
}

// under returns what stands under a JSON pointer.
func (b *book) under(pointer string) *node {
	n := b.root
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		n, _ = b.resolve(n.at(strings.NewReplacer("~1", "/", "~0", "~").Replace(part)))
	}
	return n
}

func TestDescriptionsBecomeHTMLAndNothingElse(t *testing.T) {
	root, err := parse([]byte("components: {schemas: {Server: {}}}"))
	require.NoError(t, err)
	b := &book{root: root, Problems: []Problem{{Code: "not_found"}}}
	for text, want := range map[string]string{
		"":                                  "",
		"`not_found`":                       `<p><a href="#error-not_found"><code>not_found</code></a></p>`,
		"a\nb\n\nc":                         "<p>a\nb</p><p>c</p>",
		"`x < y` **b** <i>":                 "<p><code>x &lt; y</code> <strong>b</strong> &lt;i&gt;</p>",
		"a `Server`":                        `<p>a <a href="#schema-Server"><code>Server</code></a></p>`,
		"[x](https://a.b) [y](../z)":        `<p><a href="https://a.b" rel="noreferrer">x</a> y</p>`,
		"[x](javascript:alert`1`)":          "<p>[x](javascript:alert<code>1</code>)</p>",
		"[x](https://a\"onclick=\"b)":       `<p><a href="https://a&#34;onclick=&#34;b" rel="noreferrer">x</a></p>`,
		"- a\n- b":                          "<ul><li>a</li><li>b</li></ul>",
		"| a | b |\n|---|---|\n| `1` | 2 |": "<table><tr><th>a</th><th>b</th></tr><tr><td><code>1</code></td><td>2</td></tr></table>",
	} {
		require.Equal(t, want, string(b.html(text)), text)
	}
}
