package api

import (
	"regexp"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// What of output can be asked for.
var (
	outputStreams = []string{"stdout", "stderr", "slipway"}
	outputLevels  = []string{"info", "warn", "error"}
	positionForm  = regexp.MustCompile(`^[0-9]+(,[0-9]+)*$`)
)

const (
	maxServerName = 200  // bytes, more than an id or a name has
	maxTail       = 5000 // lines; as many as are kept of one server
)

// outputPage is a page of output. Unlike others, it tells where to go on also where
// there is no more yet.
type outputPage struct {
	page[outputLine]
	Position string `json:"position"`
}

// outputLine is a line of output, as it is sent.
type outputLine struct {
	Target  int       `json:"target"`
	Server  string    `json:"server"`
	Name    string    `json:"name"`
	Attempt int       `json:"attempt"`
	Number  int       `json:"number"`
	Step    string    `json:"step"`
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"`
	Level   string    `json:"level"`
	Text    string    `json:"text"`
}

func (a *API) listOutput(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	question := readOutputQuery(c, q)
	tail := q.Int("tail", 0, 1, maxTail)
	form := readForm(c, q)
	switch {
	case tail > 0:
		refuseBeside(c, q, "tail", "limit", "cursor")
	case form != formJSON:
		refuseBeside(c, q, "the format "+form, "limit", "cursor")
	}
	question.Limit, question.After = readLimit(q), readCursor(q, &c.errs, positionForm.MatchString)
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	if form != formJSON {
		question.Limit = maxLimit
		return a.downloadOutput(c, question, tail, form)
	}
	found, err := a.outputPage(c, question, tail)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if found.More {
		next = found.Position
	}
	return ok(outputPage{
		page:     pageOf(found.Lines, next, outputLineOf),
		Position: cursorOf(found.Position),
	})
}

// readOutputQuery takes which lines are asked for.
func readOutputQuery(c *call, q *field.Query) contract.ListOutput {
	asked := contract.ListOutput{
		Server: readText(c, q, "server", serverName),
		Step:   q.OneOf("step", stepNames()...), Stream: q.OneOf("stream", outputStreams...), Level: q.OneOf("level", outputLevels...),
		From: readTime(q, &c.errs, "from"), To: readTime(q, &c.errs, "to"),
	}
	if asked.From != nil && asked.To != nil && !asked.To.After(*asked.From) {
		c.errs.Add("to", "must be after from")
	}
	return asked
}

// refuseBeside refuses parameters that do not go with another one.
func refuseBeside(c *call, q *field.Query, with string, names ...string) {
	for _, name := range names {
		if _, given := q.Text(name); given {
			c.errs.Add(name, "does not go with %s", with)
		}
	}
}

func serverName(text string) string {
	if text == "" || len(text) > maxServerName {
		return "must be the id or the name of a server"
	}
	return ""
}

func outputLineOf(l contract.TargetLine) outputLine {
	return outputLine{
		Target: l.Target, Server: l.Host, Name: l.Name, Attempt: l.Attempt, Number: l.Number, Step: l.Step,
		Time: l.Time, Stream: l.Stream, Level: l.Level, Text: l.Text,
	}
}

func stepNames() []string {
	var names []string
	for _, s := range deploy.Steps() {
		names = append(names, string(s))
	}
	return names
}
