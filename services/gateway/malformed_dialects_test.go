package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/gateway/internal/malformed"
)

const (
	malformedInDialects = 4 // of so many requests, one more is sent in a dialect
	dialectClients      = 5 // of each
)

// What clients of a dialect send, as JSON or as a form, its token in the header or in the query, is answered with
// nothing that is a mistake of the gateway's own; it repeats no secret, and has nothing deployed.
func TestMalformedRequestsInDialectsAreRefusedAndDoNoHarm(t *testing.T) {
	w := newWorld(t, func(c *gateway.Config) { c.Limits.Guesses = 0 })
	tokens := []string{w.fixture.token, w.fixture.token, w.fixture.token, w.fixture.token, w.tokenFor(grant("viewer", "")), w.tokenFor(grant("deployer", "shop")), canary}
	documents := dialectDocuments(t)
	each := *malformedRequests / malformedInDialects / len(documents) / dialectClients
	before, tally := w.commands(), &tally{answers: map[string]int{}}
	var thrown sync.WaitGroup
	for n, base := range slices.Sorted(maps.Keys(documents)) {
		for client := range dialectClients {
			thrown.Go(func() {
				maker := malformed.New(documents[base], *malformedSeed<<32+uint64(n*dialectClients+client))
				maker.Secret = canary
				c := &wire{address: strings.TrimPrefix(w.url, "http://"), judge: judgeInDialect}
				defer c.close()
				for i := range each {
					r, token := inDialect(maker.Next(documents[base].Operations()), base, tokens[i%len(tokens)], i)
					if err := c.exchange(r, c.write(r, token), tally); err != nil {
						t.Errorf("%s %s %.300q %.300q: %v", base, r.Operation.Name(), r.Target, r.Body, err)
						c.close()
					}
				}
			})
		}
	}
	thrown.Wait()
	w.goroutinesAtRest()
	require.Equal(t, before, w.commands(), "there is no server to deploy to")
	require.NotContains(t, w.log.String(), canary, "a secret is in the log")
	require.NotContains(t, w.log.String(), "panicked")
	for _, answer := range slices.Sorted(maps.Keys(tally.answers)) {
		t.Logf("%s: %d", answer, tally.answers[answer])
	}
}

// inDialect has a request be one below the base path: each sixth with its token in the query, and each fourth as a form.
// It returns the token for the header.
func inDialect(r malformed.Request, base, token string, n int) (malformed.Request, string) {
	r.Target = base + r.Target
	if n%6 == 0 {
		separator := "?"
		if strings.Contains(r.Target, "?") {
			separator = "&"
		}
		r.Target += separator + "token=" + url.QueryEscape(token)
		token = ""
	}
	if n%4 == 0 && r.Body != "" {
		r.Header = append(slices.DeleteFunc(r.Header, func(h [2]string) bool { return h[0] == "Content-Type" }),
			[2]string{"Content-Type", "application/x-www-form-urlencoded"})
		r.Body = []string{
			"server_list=a,b&project_name=shop&language=php", "a=%zz", "&&&=;", "k=one&k=two&action=Deploy%3ACore%3Asyncpro", strings.Repeat("x=y&", 5000),
			url.QueryEscape(r.Body), "a[b]=c&a=d",
		}[n/4%7]
	}
	return r, token
}

func judgeInDialect(r malformed.Request, res *http.Response, got []byte) error {
	var head bytes.Buffer
	_ = res.Header.Write(&head)
	switch {
	case strings.Contains(head.String()+string(got), canary):
		return errors.New("the answer repeats a secret")
	case res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable: // nobody is there to ask hosts
		return fmt.Errorf("%d %s", res.StatusCode, got)
	}
	return nil
}
