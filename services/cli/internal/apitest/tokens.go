package apitest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func (g *Gateway) addToken(w http.ResponseWriter, body []byte) {
	var c client.TokenCreate
	decode(body, &c)
	now := time.Now().UTC()
	made := client.Token{ID: g.next(), Name: c.Name, Grants: c.Grants, CreatedAt: now, CreatedBy: "ci"}
	if d, err := time.ParseDuration(c.ExpiresIn); err == nil {
		at := now.Add(d)
		made.ExpiresAt = &at
	}
	g.tokens = append(g.tokens, made)
	made.Token = "slw_" + strings.Repeat("new", 14) + "x"
	w.Header().Set("Location", "/v1/tokens/"+made.ID)
	reply(w, http.StatusCreated, made)
}

func (g *Gateway) someToken(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	at := slices.IndexFunc(g.tokens, func(t client.Token) bool { return t.ID == id })
	switch {
	case r.Method == http.MethodPost:
		g.addToken(w, body)
	case id == "":
		reply(w, http.StatusOK, pageOf(r, g.tokens))
	case at < 0:
		problem(w, r, http.StatusNotFound, "not_found", "there is no such token")
	case r.Method == http.MethodDelete:
		g.tokens = slices.Delete(g.tokens, at, at+1)
		w.WriteHeader(http.StatusNoContent)
	default:
		reply(w, http.StatusOK, g.tokens[at])
	}
}
