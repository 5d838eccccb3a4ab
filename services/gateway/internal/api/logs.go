package api

import (
	"strconv"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const defaultLines = 100

// serverLog is the end of a log file on one server, as it is sent.
type serverLog struct {
	Server  string   `json:"server"`
	Name    string   `json:"name"`
	Lines   []string `json:"lines"`
	Failure *failure `json:"failure,omitempty"`
}

func (a *API) tailLogs(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	at := a.readPlace(c, q)
	file, given := q.Required("file")
	if given {
		c.errs.Check("file", rule.LogFile(file))
		file = at.log(file)
	}
	lines := defaultLines
	if text, given := q.Text("lines"); given {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > contract.TailLines {
			c.errs.Add("lines", "must be a whole number from 1 to %d", contract.TailLines)
		}
		lines = n
	}
	servers, next, err := a.inspected(c, q)
	if err != nil {
		return answer{}, err
	}
	rows, err := a.Deployments.Tail(c.ctx, at.path, file, lines, servers)
	if err != nil {
		return answer{}, err
	}
	row := -1
	return ok(pageOf(rows, next, func(l contract.HostLog) serverLog {
		row++
		return serverLog{Server: l.Host, Name: servers[row].Name, Lines: append([]string{}, l.Lines...), Failure: failureOf(l.Failure)}
	}))
}
