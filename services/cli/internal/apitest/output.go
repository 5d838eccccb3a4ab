package apitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// say notes what a step says as it begins: each names itself, and one that fails says why.
func (g *Gateway) say(d *deployment, t *client.Target, step string, now time.Time) {
	lines := []client.OutputLine{
		{Stream: "slipway", Level: "info", Text: fmt.Sprintf("hook %q", step)},
		{Stream: "stdout", Level: "info", Text: "\x1b[2J" + step + "\ton " + t.Name},
	}
	if f, fails := g.failures[t.Name]; fails && f.Step == step {
		lines = append(lines, client.OutputLine{Stream: "stderr", Level: "info", Text: f.Reason}, client.OutputLine{Stream: "slipway", Level: "error", Text: f.Code})
	}
	for _, l := range lines {
		l.Target, l.Server, l.Name, l.Attempt, l.Step, l.Time = t.Target, t.Server, t.Name, 1, step, now
		l.Number = len(d.said) + 1
		d.said = append(d.said, l)
	}
}

func (g *Gateway) listOutput(w http.ResponseWriter, r *http.Request, d *deployment) {
	q := r.URL.Query()
	fits := func(filter string, values ...string) bool {
		for _, v := range values {
			if q.Get(filter) == v {
				return true
			}
		}
		return q.Get(filter) == ""
	}
	page := client.OutputPage{Page: pageOf(r, d.said), Position: fmt.Sprint(len(d.said))}
	page.Position = cmp.Or(page.Next, page.Position)
	if q.Has("tail") {
		page = client.OutputPage{Page: client.Page[client.OutputLine]{Items: d.said}, Position: fmt.Sprint(len(d.said))}
	}
	from, _ := time.Parse(time.RFC3339, q.Get("from"))
	to, endless := time.Parse(time.RFC3339, q.Get("to"))
	kept := []client.OutputLine{}
	for _, l := range page.Items {
		if fits("server", l.Server, l.Name) && fits("step", l.Step) && fits("stream", l.Stream) && fits("level", l.Level) &&
			!l.Time.Before(from) && (endless != nil || l.Time.Before(to)) {
			kept = append(kept, l)
		}
	}
	if tail, err := strconv.Atoi(q.Get("tail")); err == nil {
		kept = kept[max(0, len(kept)-tail):]
	}
	if format := q.Get("format"); format != "" {
		download(w, kept, format)
		return
	}
	page.Items = kept
	reply(w, http.StatusOK, page)
}

// download answers with lines as a file.
func download(w http.ResponseWriter, said []client.OutputLine, format string) {
	kind := "text/plain; charset=utf-8"
	if format == "ndjson" {
		kind = "application/x-ndjson"
	}
	w.Header().Set("Content-Type", kind)
	for _, l := range said {
		if format == "ndjson" {
			_ = json.NewEncoder(w).Encode(l)
			continue
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.Time.UTC().Format(time.RFC3339), l.Name, l.Step, l.Stream, l.Text)
	}
}
