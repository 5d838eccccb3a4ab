package jobs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// knock has somebody at an address of the host take a connection.
func (a *attempt) knock(ctx context.Context, address string) error {
	conn, err := a.host.Connect(ctx, address)
	if err != nil {
		return err
	}
	_ = conn.Close() // that there is one was all
	return nil
}

// fetchPage makes a request from the host, whose answer must be as expected. A redirect
// is an answer.
func (a *attempt) fetchPage(ctx context.Context, c contract.HTTPCheck) error {
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, c.Method, c.URL, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", contract.ErrMalformed, err)
	}
	req.Header.Set("User-Agent", "slipway")
	var unreached error // that the host cannot ask is no answer of the application's
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := a.host.Connect(ctx, address)
			unreached = err
			return conn, err
		},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	switch {
	case err != nil && unreached != nil:
		return unreached
	case err != nil:
		return fmt.Errorf("%w: no answer: %w", errPage, err)
	}
	defer func() { _ = res.Body.Close() }()
	if wrong := page.WrongStatus(res.StatusCode); wrong != "" {
		return fmt.Errorf("%w: %s", errPage, wrong)
	}
	if !page.ReadsBody() {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, probe.MaxBody))
	if err != nil {
		return fmt.Errorf("%w: the body breaks off: %w", errPage, err)
	}
	of := probe.Subject{Deployment: a.deployment, Application: a.app.Name, Version: a.outcome.Release}
	if wrong := page.WrongBody(body, of); wrong != "" {
		return fmt.Errorf("%w: %s", errPage, wrong)
	}
	return nil
}

func pageOf(c contract.HTTPCheck) (probe.Page, error) {
	page := probe.Page{Body: c.Body}
	var err error
	if page.Statuses, err = probe.ParseStatuses(c.Status); err != nil {
		return page, err
	}
	if c.Matches != "" {
		page.Matches, err = probe.ParsePattern(c.Matches)
	}
	return page, err
}
