package analysis

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// httpCheck is a request whose answer must be as expected.
type httpCheck struct {
	url    *url.URL
	method string
	page   probe.Page
	within time.Duration
}

func (c httpCheck) timeout() time.Duration { return c.within }

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
	if reason := c.page.WrongStatus(res.StatusCode); reason != "" {
		return failed(status, reason)
	}
	if reason := c.lookInto(res.Body, of); reason != "" {
		return failed(status, reason)
	}
	return Detail{Verdict: probe.Pass, Value: status}
}

// redirect follows those that are not themselves the answer to be seen.
func (c httpCheck) redirect(r *http.Request, via []*http.Request) error {
	if c.page.Statuses.Has(r.Response.StatusCode) {
		return http.ErrUseLastResponse
	}
	return netguard.Redirects(probe.MaxRedirects)(r, via)
}

// lookInto returns what is missing in the body, or "". What follows after
// probe.MaxBody is not looked at.
func (c httpCheck) lookInto(body io.Reader, of probe.Subject) string {
	if !c.page.ReadsBody() {
		return ""
	}
	data, err := io.ReadAll(io.LimitReader(body, probe.MaxBody))
	if err != nil {
		return errBrokenBody.Error()
	}
	return c.page.WrongBody(data, of)
}

func failed(value, reason string) Detail {
	return Detail{Verdict: probe.Fail, Value: value, Reason: reason}
}
