package api

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/harmless"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// Forms of output.
const (
	formJSON  = "json"   // a page
	formText  = "text"   // a download
	formLines = "ndjson" // a download, a line of JSON for each line
)

const (
	mediaText  = "text/plain"
	mediaLines = "application/x-ndjson"
	textTime   = "2006-01-02T15:04:05.000000Z07:00" // of one width, so that columns stand
)

// readForm takes the form that is asked for: by name, or else by what the client accepts,
// as RFC 9110 says. Whoever accepts none of them, or does not say, is shown pages.
func readForm(c *call, q *field.Query) string {
	if form := q.OneOf("format", formJSON, formText, formLines); form != "" {
		return form
	}
	forms := map[string]string{mediaJSON: formJSON, mediaText: formText, mediaLines: formLines}
	form, best := formJSON, 0.0
	for _, accepted := range strings.Split(strings.Join(c.http.Request().Header.Values(echo.HeaderAccept), ","), ",") {
		media, params, _ := mime.ParseMediaType(accepted)
		weight, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			weight = 1
		}
		if named, known := forms[media]; known && weight > best {
			form, best = named, weight
		}
	}
	return form
}

// downloadOutput answers with all lines that are there by now, as a file. It holds one page
// at a time (of a tail: all of it). What is wrong with the question is answered before the
// file begins; should a page fail later, the connection is cut, so that nobody takes a part
// of the file for the whole.
func (a *API) downloadOutput(c *call, question contract.ListOutput, tail int, form string) (answer, error) {
	page, err := a.outputPage(c, question, tail)
	if err != nil {
		return answer{}, err
	}
	media, ending, write := mediaText+"; charset=utf-8", ".log", writeText
	if form == formLines {
		media, ending, write = mediaLines, ".ndjson", writeJSON
	}
	return answer{stream: func(c *call) {
		out := c.http.Response()
		out.Header().Set(echo.HeaderContentType, media)
		out.Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": "slipway-" + c.id() + ending}))
		out.WriteHeader(http.StatusOK)
		parts := a.outlet(c.http)
		for {
			var lines bytes.Buffer
			for _, l := range page.Lines {
				write(&lines, outputLineOf(l))
			}
			if err := parts.send(&lines); err != nil {
				return // whoever asked is gone
			}
			if !page.More {
				return
			}
			question.After = page.Position
			if page, err = a.outputPage(c, question, 0); err != nil {
				said(a.Log.Warn(), c.http).Err(err).Msg("a download was broken off")
				panic(http.ErrAbortHandler) // the one way to end an answer unfinished
			}
		}
	}}, nil
}

// outputPage asks for one page, or for a tail, in the time that one question has.
func (a *API) outputPage(c *call, question contract.ListOutput, tail int) (contract.Output, error) {
	ctx, cancel := context.WithTimeout(c.ctx, a.limit(forHistory))
	defer cancel()
	if tail > 0 {
		return a.Deployments.LastOutput(ctx, c.id(), question, tail)
	}
	return a.Deployments.Output(ctx, c.id(), question)
}

// writeText writes time, server, step, stream and text, with tabs between them. Nothing
// in it steers a terminal; a tab in the text stays one.
func writeText(to *bytes.Buffer, l outputLine) {
	for _, column := range []string{l.Time.UTC().Format(textTime), l.Name, l.Step, l.Stream} {
		to.WriteString(harmless.Text(column))
		to.WriteByte('\t')
	}
	for i, part := range strings.Split(l.Text, "\t") {
		if i > 0 {
			to.WriteByte('\t')
		}
		to.WriteString(harmless.Text(part))
	}
	to.WriteByte('\n')
}

// writeJSON writes the object that a page has, on a line of its own.
func writeJSON(to *bytes.Buffer, l outputLine) {
	line, err := json.Marshal(l)
	if err != nil {
		return // there is nothing in it that has no JSON
	}
	to.Write(harmless.JSON(line))
	to.WriteByte('\n')
}
