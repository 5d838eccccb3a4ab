package apitest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// item is a project, what is in one, or a group, in the collection of this path.
type item struct {
	at  string
	doc map[string]any
}

// someItem answers what is asked about projects, what is in them, and groups.
func (g *Gateway) someItem(w http.ResponseWriter, r *http.Request, body []byte) {
	parts := strings.Split(r.URL.Path, "/") // "", v1, projects, shop, stages, production
	at, ref := r.URL.Path, ""
	if len(parts)%2 == 0 {
		at, ref = strings.Join(parts[:len(parts)-1], "/"), parts[len(parts)-1]
	}
	n := slices.IndexFunc(g.items, func(i item) bool { return i.at == at && (i.doc["name"] == ref || i.doc["id"] == ref) })
	switch {
	case r.Method == http.MethodPost && ref == "import":
		g.importApplications(w, at, body)
	case r.Method == http.MethodPost:
		g.addItem(w, at, body)
	case ref == "":
		found := []map[string]any{}
		for _, i := range g.items {
			if i.at == at {
				found = append(found, i.doc)
			}
		}
		reply(w, http.StatusOK, pageOf(r, found))
	case n < 0:
		problem(w, r, http.StatusNotFound, "not_found", "there is no such thing")
	case r.Method == http.MethodDelete:
		g.items = slices.Delete(g.items, n, n+1)
		w.WriteHeader(http.StatusNoContent)
	default:
		if r.Method == http.MethodPatch {
			var said map[string]any
			decode(body, &said)
			changeItem(g.items[n].doc, said)
		}
		w.Header().Set("Etag", `"1"`)
		reply(w, http.StatusOK, g.items[n].doc)
	}
}

func (g *Gateway) addItem(w http.ResponseWriter, at string, body []byte) {
	var said map[string]any
	decode(body, &said)
	doc := g.newItem(at, said)
	w.Header().Set("Location", at+"/"+doc["id"].(string))
	w.Header().Set("Etag", `"1"`)
	reply(w, http.StatusCreated, doc)
}

func (g *Gateway) newItem(at string, said map[string]any) map[string]any {
	now := time.Now().UTC()
	doc := map[string]any{"id": g.next(), "labels": map[string]any{}, "created_at": now, "updated_at": now}
	if parts := strings.Split(at, "/"); len(parts) > 3 {
		doc["project"] = parts[3]
	}
	changeItem(doc, said)
	g.items = append(g.items, item{at, doc})
	return doc
}

// changeItem is a merge patch; of secrets the names are kept.
func changeItem(doc, said map[string]any) {
	if secrets, ok := said["secrets"].(map[string]any); ok {
		said["secrets"] = slices.Sorted(maps.Keys(secrets))
	}
	mergeInto(doc, said)
}

func mergeInto(doc, patch map[string]any) {
	for name, value := range patch {
		inner, deep := value.(map[string]any)
		have, there := doc[name].(map[string]any)
		switch {
		case value == nil:
			delete(doc, name)
		case deep && there:
			mergeInto(have, inner)
		default:
			doc[name] = value
		}
	}
}
