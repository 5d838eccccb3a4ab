package api

import (
	"encoding/json"
	"net/http"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// maxBatch bounds how many deployments one request may ask for.
const maxBatch = 100

// batch is what became of deployments that were asked for together.
type batch struct {
	ID    string   `json:"id"`
	Items []member `json:"items"` // as they were asked for
}

// member is one of them: it was accepted, or else there is a problem.
type member struct {
	Deployment *deployment `json:"deployment,omitempty"`
	Problem    *document   `json:"problem,omitempty"`
}

// createBatch accepts or refuses several deployments, each by itself and one after the other, as if each had been asked for
// alone. A repeat of the request goes on with those that were refused.
func (a *API) createBatch(c *call) (answer, error) {
	wanted, err := readBatch(c)
	if err != nil {
		return answer{}, err
	}
	c.looked = true // each is, when it is asked for
	out := batch{ID: c.attempt.Resource, Items: make([]member, len(wanted))}
	accepted, forbidden := 0, 0
	for n, body := range wanted {
		m := c.inner(c.ctx, creation, dialects.Operation{}, body)
		m.attempt, m.batch = c.attempt.Part(uint16(n)), out.ID
		got, err := a.pass(c, creation, m)
		if err == nil {
			d, _ := got.body.(deployment)
			out.Items[n].Deployment = &d
			accepted++
			continue
		}
		p := problemOf(err)
		told := p.document(m.http)
		out.Items[n].Problem = &told
		switch {
		case p.code == codeForbidden:
			forbidden++
		case p.code == codeUnavailable && accepted == 0:
			return answer{}, p
		case p.code == codeUnavailable: // the others would wait as long, and for nothing
			for i := range out.Items[n+1:] {
				out.Items[n+1+i].Problem = &told
			}
			return answer{status: http.StatusOK, body: out, partly: true}, nil
		}
		if forbidden == len(wanted) {
			return answer{}, p
		}
	}
	return answer{status: http.StatusOK, body: out, partly: accepted < len(wanted)}, nil
}

// readBatch takes what each of the deployments is asked for by: an object. What is in it is no matter of the batch.
func readBatch(c *call) ([]json.RawMessage, error) {
	if err := c.noQuery(); err != nil {
		return nil, err
	}
	o, err := c.object()
	if err != nil {
		return nil, err
	}
	_, listed := o.Objects("deployments")
	var wanted []json.RawMessage
	if listed {
		_ = json.Unmarshal(o.Raw("deployments"), &wanted) // a list it is: that cannot fail
	}
	switch {
	case !o.Given("deployments") || o.Null("deployments"):
		c.errs.Add("deployments", "is required")
	case listed && len(wanted) == 0:
		c.errs.Add("deployments", "must be at least one")
	case len(wanted) > maxBatch:
		c.errs.Add("deployments", "must be at most %d", maxBatch)
	}
	o.End()
	return wanted, c.errs.Err()
}
