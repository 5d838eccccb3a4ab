package query_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

// talk folds lines of hosts of the fleet's deployment as EV would bring them: so many of
// each, in turns, under sequences after this one.
func (a *asker) talk(seq uint64, first, lines int, targets ...int) {
	a.t.Helper()
	var entries []fold.Entry
	for number := first; number < first+lines; number++ {
		for _, target := range targets {
			e := contract.Envelope{Deployment: "d", Host: fmt.Sprint(target), Target: target, Attempt: 1, Token: uint64(target + 1)}
			stream := []string{"stdout", "stderr"}[number%2]
			data, err := contract.Encode(e, contract.JobOutputEvent{Step: "during", First: number, Lines: []contract.OutputLine{{
				Stream: stream, Level: "info", Text: fmt.Sprintf("%d/%d", target, number),
			}}})
			require.NoError(a.t, err)
			seq++
			entries = append(entries, fold.Decode(seq, contract.OutputSubject("d", e.Host), time.Time{}, data))
		}
	}
	require.NoError(a.t, fold.NewFolder(a.store, "here", zerolog.Nop()).Fold(a.t.Context(), entries))
}

// lines asks page by page, from this position on, and returns where it ended.
func (a *asker) lines(q contract.ListOutput) (texts []string, pages int, position string) {
	for {
		got := a.ask(contract.QueryOutput, "d", q).(contract.Output)
		pages++
		for _, l := range got.Lines {
			texts = append(texts, l.Text)
		}
		if q.After = got.Position; !got.More {
			return texts, pages, got.Position
		}
	}
}

func TestALineIsAnsweredWhole(t *testing.T) {
	a := serve(t)
	bucket := deploy.Bucket{Deployment: "d", Index: 1, Seq: 1, Targets: make([]deploy.Target, 20)}
	bucket.Targets[12].Name = "web 1"
	a.put(deploy.Header{ID: "d", Seq: 7, State: deploy.Running, Targets: 120}, deploy.Bucket{Deployment: "d", Seq: 1}, bucket)
	page := foldtest.FullPage("d", 1, 0, 7)
	require.NoError(t, a.store.PutPages(t.Context(), []fold.Change[deploy.Page]{{Doc: page}}))
	require.NoError(t, a.store.PutOutputs(t.Context(), []fold.Change[deploy.Output]{{Doc: deploy.Output{Deployment: "d", Index: 1, Seq: 7, Lines: 2}}}))
	got := a.ask(contract.QueryOutput, "d", contract.ListOutput{Limit: 10}).(contract.Output)
	require.Len(t, got.Lines, 1, "of the other one nothing is known")
	l := page.Lines[0]
	require.Equal(t, contract.TargetLine{
		Target: 112, Host: "h1", Name: "web 1", Attempt: 2, Number: 3, Step: "during", OutputLine: contract.OutputLine(l.OutputLine),
	}, got.Lines[0])
	requireFull(t, got.Lines[0])
	require.Equal(t, "0,2", got.Position)
	require.False(t, got.More)
}

func TestOutputGoesThroughAllPagesAndGoesOn(t *testing.T) {
	a := serve(t)
	a.fleet(250, "")
	none, _, position := a.lines(contract.ListOutput{Limit: 10})
	require.Empty(t, none)
	require.Equal(t, "0", position)

	a.talk(10, 1, 300, 3, 7, 240)
	var want []string
	for number := 1; number <= 300; number++ {
		want = append(want, fmt.Sprintf("3/%d", number), fmt.Sprintf("7/%d", number))
	}
	for number := 1; number <= 300; number++ {
		want = append(want, fmt.Sprintf("240/%d", number))
	}
	for _, limit := range []int{7, 100, 450, 500} {
		texts, pages, end := a.lines(contract.ListOutput{Limit: limit})
		require.Equal(t, want, texts)
		require.Equal(t, (len(want)+limit-1)/limit, pages)
		require.Equal(t, "600,0,300", end)
		position = end
	}

	a.talk(2000, 301, 2, 240, 7)
	more, _, end := a.lines(contract.ListOutput{Limit: 500, After: position})
	require.Equal(t, []string{"7/301", "7/302", "240/301", "240/302"}, more, "what came since, in any piece")
	require.Equal(t, "602,0,302", end)

	texts, _, _ := a.lines(contract.ListOutput{Limit: 500, Server: "240"})
	require.Len(t, texts, 302)
	require.Equal(t, "240/1", texts[0])
	texts, _, end = a.lines(contract.ListOutput{Limit: 10, Server: "7", Stream: "stderr"})
	require.Len(t, texts, 151)
	require.Equal(t, "7/1", texts[0])
	again, _, _ := a.lines(contract.ListOutput{Limit: 10, Server: "7", Stream: "stderr", After: end})
	require.Empty(t, again)
	for _, nothing := range []contract.ListOutput{{Limit: 500, Step: "before"}, {Limit: 500, Level: "error"}, {Limit: 500, Server: "8"}} {
		texts, _, _ := a.lines(nothing)
		require.Empty(t, texts)
	}
}

func TestAnAnswerOfOutputFitsIntoAMessageAndReadsSoMuch(t *testing.T) {
	a := serve(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	a.put(deploy.Header{ID: "d", Seq: 1, State: deploy.Running, Targets: 1}, deploy.Bucket{Deployment: "d", Seq: 1})
	const pages, length = 60, 200
	for n := range pages {
		p := deploy.Page{Deployment: "d", Number: n, Seq: 9}
		for i := range length {
			l := deploy.SaidLine{Number: n*length + i + 1, Step: deploy.StepBefore, OutputLine: deploy.OutputLine{Stream: "stdout", Text: strings.Repeat("<", 300)}}
			if n == pages-1 {
				l.Stream = "slipway"
			}
			p.Lines = append(p.Lines, l)
		}
		require.NoError(t, a.store.PutPages(t.Context(), []fold.Change[deploy.Page]{{Doc: p}}))
	}
	require.NoError(t, a.store.PutOutputs(t.Context(), []fold.Change[deploy.Output]{{Doc: deploy.Output{Deployment: "d", Seq: 9, Lines: pages * length}}}))
	first := a.ask(contract.QueryOutput, "d", contract.ListOutput{Limit: 500, Stream: "slipway"}).(contract.Output)
	require.Empty(t, first.Lines, "it has read enough for one answer")
	require.True(t, first.More)
	texts, answers, _ := a.lines(contract.ListOutput{Limit: 500, Stream: "slipway"})
	require.Len(t, texts, length)
	require.Greater(t, answers, 5)
}

func TestOutputThatCannotBeAnsweredIsRefused(t *testing.T) {
	a := serve(t)
	a.fleet(250, "")
	for name, c := range map[string]struct {
		deployment    string
		question      contract.Body
		code, message string
	}{
		"another question":  {"d", contract.GetDeployment{}, "invalid", "not asked here"},
		"no such one":       {"none", contract.ListOutput{Limit: 1}, "not_found", "none"},
		"no limit":          {"d", contract.ListOutput{}, "invalid", "limit"},
		"no position":       {"d", contract.ListOutput{Limit: 1, After: "1,x"}, "invalid", "after"},
		"too many":          {"d", contract.ListOutput{Limit: 1, After: "1,2,3,4"}, "invalid", "after"},
		"a position before": {"d", contract.ListOutput{Limit: 1, After: "-1"}, "invalid", "after"},
		"no such server":    {"d", contract.ListOutput{Limit: 1, Server: "web"}, "invalid", `server: "web"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := a.ask(contract.QueryOutput, c.deployment, c.question).(contract.Refused)
			require.True(t, ok)
			require.Equal(t, c.code, got.Code)
			require.Contains(t, got.Message, c.message)
		})
	}
}
