package analysis

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// httpCheck is a request whose answer must be as expected.
type httpCheck struct {
	url      *url.URL
	method   string
	statuses probe.Statuses
	body     string         // to be found in the body; empty: anything
	matches  *regexp.Regexp // to match in the body; nil: anything
	within   time.Duration
}

func (c httpCheck) timeout() time.Duration { return c.within }

func (c httpCheck) readsBody() bool { return c.body != "" || c.matches != nil }

// measure makes the request. That there is no answer is what it is to find out,
// so that everything but the right answer fails.
func (c httpCheck) measure(ctx context.Context, m *Meter, of probe.Subject) Detail {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), nil)
	if err != nil {
		return unknown(errNoRequest.Error())
	}
	req.Header.Set("User-Agent", userAgent)
	client := http.Client{Transport: m.guarded, CheckRedirect: c.redirect}
	res, err := client.Do(req)
	if err != nil {
		return failed("", "no answer: "+netguard.Explain(ctx, err))
	}
	defer res.Body.Close()
	status := strconv.Itoa(res.StatusCode)
	if !c.statuses.Has(res.StatusCode) {
		return failed(status, fmt.Sprintf("the status is %s, not %s", status, c.statuses))
	}
	if reason := c.lookInto(res.Body, of); reason != "" {
		return failed(status, reason)
	}
	return Detail{Verdict: probe.Pass, Value: status}
}

// redirect follows those that are not themselves the answer to be seen.
func (c httpCheck) redirect(r *http.Request, via []*http.Request) error {
	if c.statuses.Has(r.Response.StatusCode) {
		return http.ErrUseLastResponse
	}
	return netguard.Redirects(probe.MaxRedirects)(r, via)
}

// lookInto returns what is missing in the body, or "". What follows after
// probe.MaxBody is not looked at.
func (c httpCheck) lookInto(body io.Reader, of probe.Subject) string {
	if !c.readsBody() {
		return ""
	}
	data, err := io.ReadAll(io.LimitReader(body, probe.MaxBody))
	switch {
	case err != nil:
		return errBrokenBody.Error()
	case c.body != "" && !bytes.Contains(data, []byte(of.InText(c.body))):
		return "the body does not hold the text"
	case c.matches != nil && !c.matches.Match(data):
		return "the body does not match the regular expression"
	}
	return ""
}

func failed(value, reason string) Detail {
	return Detail{Verdict: probe.Fail, Value: value, Reason: reason}
}
