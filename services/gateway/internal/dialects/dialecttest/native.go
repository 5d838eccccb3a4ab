// Package dialecttest stands in for the gateway where a test looks at what a dialect makes of
// native answers that a running Slipway gives but seldom.
package dialecttest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// Native answers operations by their routes; an answer that is a *dialects.Problem refuses. Those
// that are not in it are refused with 503.
type Native map[string]func(dialects.Operation) any

// Request is one that the frame hands to a route, with what the query of its URL says.
func (n Native) Request(query url.Values, params map[string]string) (*dialects.Request, error) {
	said, err := dialects.Read(query, "", nil)
	return &dialects.Request{Native: n, Said: said, Param: func(name string) string { return params[name] }}, err
}

// Do implements dialects.Native.
func (n Native) Do(_ context.Context, o dialects.Operation, into any) error {
	answer, there := n[o.Route]
	if !there {
		return &dialects.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: o.Route}
	}
	got := answer(o)
	if refused, is := got.(*dialects.Problem); is {
		return refused
	}
	text, err := json.Marshal(got)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Ended implements dialects.Native: all has ended.
func (n Native) Ended(context.Context, string) error { return nil }

// Numbers implements dialects.Native: they follow the order in which they are asked for.
func (n Native) Numbers(_ context.Context, _ numbers.Kind, ids ...string) (map[string]uint64, error) {
	given := map[string]uint64{}
	for i, id := range ids {
		given[id] = uint64(i + 1)
	}
	return given, nil
}

// Numbered implements dialects.Native: every number stands for "it".
func (n Native) Numbered(context.Context, numbers.Kind, uint64) (string, error) { return "it", nil }
