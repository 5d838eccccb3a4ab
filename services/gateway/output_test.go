package gateway_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestWhatWasSaidOnServersIsReadPageByPage(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	created := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}).is(202)
	path := "/v1/deployments/" + created.id() + "/logs"
	begun := f.get(path).is(200).object()
	require.Empty(t, begun["items"], "nothing has begun, and history is not asked")
	position := begun["position"].(string)

	h := f.withHistory()
	seq := f.begin(created.id())
	d := finished(created.id(), "1", 1)
	d.Seq = seq
	h.know(d)
	now := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	for i := range 7 {
		h.said = append(h.said, contract.TargetLine{
			Host: ids[0], Name: "a", Attempt: 1, Number: i + 1, Step: "during",
			OutputLine: contract.OutputLine{Time: now, Stream: "stderr", Level: "info", Text: fmt.Sprint("<line> ", i)},
		})
	}
	require.Equal(t, object{
		"target": 0.0, "server": ids[0], "name": "a", "attempt": 1.0, "number": 1.0, "step": "during",
		"time": "2026-03-01T12:00:00.000000005Z", "stream": "stderr", "level": "info", "text": "<line> 0",
	}, object(f.get(path + "?limit=1").is(200).object()["items"].([]any)[0].(map[string]any)))
	asked, _ := lastAsked[contract.ListOutput](h)
	require.Equal(t, contract.ListOutput{MinSeq: seq, Limit: 1}, asked, "history must have seen the last event")
	require.Len(t, f.pages(path+"?limit=3", "text"), 7)

	last := f.get(path + "?limit=500&cursor=" + position).is(200).object()
	require.Len(t, last["items"], 7)
	require.NotContains(t, last, "next_cursor")
	h.said = append(h.said, h.said[0])
	on := f.get(path + "?cursor=" + last["position"].(string)).is(200)
	require.Equal(t, []string{"<line> 0"}, on.column("text"), "what came since")

	f.get(path + "?server=a&step=during&stream=stderr&level=info&limit=10").is(200)
	asked, _ = lastAsked[contract.ListOutput](h)
	require.Equal(t, contract.ListOutput{MinSeq: seq, Limit: 10, Server: "a", Step: "during", Stream: "stderr", Level: "info"}, asked)
}

func TestAQuestionForOutputThatCannotBeFollowedNamesItsFields(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	id := xid.New().String()
	h.know(finished(id, "1", 0))
	path := "/v1/deployments/" + id + "/logs"
	bad := f.get(path+"?limit=0&cursor=eA&server="+strings.Repeat("x", 201)+"&step=dance&stream=stdin&level=loud&x=1").refused(422, "invalid_request")
	for _, name := range []string{"limit", "cursor", "server", "step", "stream", "level", "x"} {
		require.Contains(t, bad, name)
	}
	require.Contains(t, f.get(path+"?server=").refused(422, "invalid_request"), "server")
	require.Contains(t, f.get(path+"?server=nowhere").refused(422, "invalid_request"), "server")
	other := base64.RawURLEncoding.EncodeToString([]byte("1,2"))
	require.Contains(t, f.get(path+"?cursor="+other).refused(422, "invalid_request"), "cursor")
	f.get("/v1/deployments/"+xid.New().String()+"/logs").refused(404, "not_found")
}

func TestTheLastLinesAreGatheredFromAsManyAnswersAsItTakes(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	id := xid.New().String()
	h.know(finished(id, "1", 0))
	path := "/v1/deployments/" + id + "/logs"
	require.Empty(t, f.get(path + "?tail=3").is(200).object()["items"])
	for i := range 1300 {
		h.said = append(h.said, contract.TargetLine{
			Host: "h", Name: "a", Attempt: 1, Number: i + 1, Step: "during",
			OutputLine: contract.OutputLine{Stream: "stdout", Level: "info", Text: fmt.Sprint(i)},
		})
	}
	got := f.get(path + "?tail=1203&from=2026-03-01T12:00:00Z&to=2026-03-01T13:00:00%2B00:00").is(200)
	texts := got.column("text")
	require.Len(t, texts, 1203)
	for i, text := range texts {
		require.Equal(t, fmt.Sprint(97+i), text)
	}
	require.NotContains(t, got.object(), "next_cursor")
	require.Empty(t, f.get(path + "?cursor=" + got.text("position")).is(200).object()["items"], "the position is behind the last line")
	asked, _ := lastAsked[contract.ListOutput](h)
	require.Nil(t, asked.From)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.get(path + "?tail=1300&from=2026-03-01T12:00:00Z&to=2026-03-01T14:00:00%2B01:00").is(200)
	asked, _ = lastAsked[contract.ListOutput](h)
	require.Equal(t, []any{noon, noon.Add(time.Hour), true, 300}, []any{*asked.From, *asked.To, asked.Last, asked.Limit})

	bad := f.get(path+"?tail=5001&from=today&to=2026-03-01").refused(422, "invalid_request")
	for _, name := range []string{"tail", "from", "to"} {
		require.Contains(t, bad, name)
	}
	bad = f.get(path+"?tail=1&limit=1&cursor=MA&from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:00Z").refused(422, "invalid_request")
	for _, name := range []string{"limit", "cursor", "to"} {
		require.Contains(t, bad, name)
	}
}

func TestOutputIsDownloadedPageByPage(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	id := xid.New().String()
	h.know(finished(id, "1", 0))
	path := "/v1/deployments/" + id + "/logs"
	for i := range 1200 {
		h.said = append(h.said, contract.TargetLine{
			Host: "h", Name: "web 1", Attempt: 1, Number: i + 1, Step: "during",
			OutputLine: contract.OutputLine{Time: time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC), Stream: "stdout", Level: "info", Text: fmt.Sprint("\x1b[2J\t", i)},
		})
	}
	line := func(i int) string {
		return fmt.Sprintf("2026-03-01T12:00:00.000005Z\tweb 1\tduring\tstdout\t\\x1b[2J\t%d", i)
	}
	accepting := func(accept string) *reply {
		return f.send(request{method: "GET", path: path, header: map[string]string{"Accept": accept}}).is(200)
	}
	for _, got := range []*reply{f.get(path + "?format=text").is(200), accepting("text/plain"), accepting("application/json;q=0.5, text/plain")} {
		require.Equal(t, "text/plain; charset=utf-8", got.Header.Get("Content-Type"))
		require.Equal(t, "attachment; filename=slipway-"+id+".log", got.Header.Get("Content-Disposition"))
		lines := strings.Split(strings.TrimSuffix(string(got.raw), "\n"), "\n")
		require.Len(t, lines, 1200)
		for i := range lines {
			require.Equal(t, line(i), lines[i])
		}
	}
	for _, accept := range []string{"*/*", "application/json", "text/html, */*;q=0.8", "text/plain;q=0.1, application/json"} {
		require.Len(t, accepting(accept).object()["items"], 100, accept)
	}
	require.Equal(t, line(1198)+"\n"+line(1199)+"\n", string(f.get(path+"?format=text&tail=2").is(200).raw))
	got := f.get(path + "?format=ndjson").is(200)
	require.Equal(t, "attachment; filename=slipway-"+id+".ndjson", got.Header.Get("Content-Disposition"))
	require.Equal(t, 1200, strings.Count(string(got.raw), "\n"))
	require.NotContains(t, string(got.raw), "\x1b")

	bad := f.get(path+"?format=text&limit=1&cursor=MA").refused(422, "invalid_request")
	require.Contains(t, bad, "limit")
	require.Contains(t, bad, "cursor")
	require.Contains(t, f.get(path+"?format=pdf").refused(422, "invalid_request"), "format")
	f.get("/v1/deployments/"+xid.New().String()+"/logs?format=text").refused(404, "not_found")
}

func TestADownloadThatCannotGoOnIsCutOff(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	id := xid.New().String()
	h.know(finished(id, "1", 0))
	for range 600 {
		h.said = append(h.said, contract.TargetLine{Host: "h", Attempt: 1, Number: 1, Step: "during", OutputLine: contract.OutputLine{Stream: "stdout", Level: "info"}})
	}
	h.failAfter = "500"
	_, err := f.try(request{method: "GET", path: "/v1/deployments/" + id + "/logs?format=text"})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
