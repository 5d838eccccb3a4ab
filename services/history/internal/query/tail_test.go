package query_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
	"github.com/slipway-deploy/slipway/services/history/internal/telemetry"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// saidAt stores so many lines of each of these targets, in turns, line i so many seconds after noon.
func (a *asker) saidAt(lines int, targets ...int) {
	a.t.Helper()
	heads, pages := map[int]deploy.Output{}, map[fold.PageKey]deploy.Page{}
	for i := range lines {
		for _, target := range targets {
			index := target / deploy.PieceSize
			o := heads[index]
			o.Deployment, o.Index, o.Seq = "d", index, 9
			for len(o.Targets) <= target%deploy.PieceSize {
				o.Targets = append(o.Targets, deploy.TargetOutput{})
			}
			t := &o.Targets[target%deploy.PieceSize]
			if t.End == 0 {
				t.First = o.Lines
			}
			key := fold.PageKey{Deployment: "d", Index: index, Number: o.Lines / deploy.OutputPage}
			p := pages[key]
			p.Deployment, p.Index, p.Number, p.Seq = "d", index, key.Number, 9
			level := "info"
			if i == 0 {
				level = "error"
			}
			p.Lines = append(p.Lines, deploy.SaidLine{Target: target, Host: fmt.Sprint(target), Attempt: 1, Number: i + 1, Step: deploy.StepDuring, OutputLine: deploy.OutputLine{
				Time: noon.Add(time.Duration(i) * time.Second), Stream: "stdout", Level: level, Text: fmt.Sprintf("%d/%d", target, i),
			}})
			pages[key] = p
			o.Lines++
			t.End = o.Lines
			heads[index] = o
		}
	}
	for _, p := range pages {
		require.NoError(a.t, a.store.PutPages(a.t.Context(), []fold.Change[deploy.Page]{{Doc: p}}))
	}
	for _, o := range heads {
		require.NoError(a.t, a.store.PutOutputs(a.t.Context(), []fold.Change[deploy.Output]{{Doc: o}}))
	}
}

// tail asks for the last lines until there are so many, and returns how many answers that took.
func (a *asker) tail(q contract.ListOutput, n int) (texts []string, answers int, position string) {
	a.t.Helper()
	for q.Last = true; ; {
		q.Limit = min(n-len(texts), 500)
		got := a.ask(contract.QueryOutput, "d", q).(contract.Output)
		if answers++; answers == 1 {
			position = got.Position
		}
		var part []string
		for _, l := range got.Lines {
			part = append(part, l.Text)
		}
		texts = append(part, texts...)
		require.Equal(a.t, got.More, got.Before != "")
		if q.Before = got.Before; len(texts) == n || !got.More {
			return texts, answers, position
		}
	}
}

func TestTheLastLinesOfAllHostsAreMergedByTime(t *testing.T) {
	a := serve(t)
	a.fleet(250, "")
	none, _, position := a.tail(contract.ListOutput{}, 10)
	require.Empty(t, none)
	require.Equal(t, "0", position)

	a.saidAt(300, 3, 7, 240)
	texts, answers, position := a.tail(contract.ListOutput{}, 4)
	require.Equal(t, []string{"240/298", "3/299", "7/299", "240/299"}, texts)
	require.Equal(t, 1, answers)
	require.Equal(t, "600,0,300", position)
	after, _, _ := a.lines(contract.ListOutput{Limit: 10, After: position})
	require.Empty(t, after, "one goes on behind what was shown")

	var all []string
	for i := range 300 {
		all = append(all, fmt.Sprintf("3/%d", i), fmt.Sprintf("7/%d", i), fmt.Sprintf("240/%d", i))
	}
	for _, n := range []int{1, 399, 777, 900, 901} {
		texts, _, _ := a.tail(contract.ListOutput{}, n)
		require.Equal(t, all[max(0, 900-n):], texts)
	}
	texts, _, _ = a.tail(contract.ListOutput{Server: "7"}, 2)
	require.Equal(t, []string{"7/298", "7/299"}, texts)
	texts, _, _ = a.tail(contract.ListOutput{Level: "error"}, 5)
	require.Equal(t, []string{"3/0", "7/0", "240/0"}, texts)
	from, to := noon.Add(100*time.Second), noon.Add(102*time.Second)
	texts, _, _ = a.tail(contract.ListOutput{From: &from, To: &to}, 5)
	require.Equal(t, []string{"7/100", "240/100", "3/101", "7/101", "240/101"}, texts)
	texts, _, _ = a.lines(contract.ListOutput{Limit: 500, From: &from, To: &to})
	require.Equal(t, []string{"3/100", "7/100", "3/101", "7/101", "240/100", "240/101"}, texts)
}

func TestTheLastLinesComeThoughOneMessageIsTooSmall(t *testing.T) {
	a := serve(t, func(o *server.Options) { o.MaxPayload = 16 << 10 })
	a.fleet(250, "")
	a.saidAt(300, 3, 240)
	texts, answers, _ := a.tail(contract.ListOutput{}, 400)
	require.Len(t, texts, 400)
	require.Equal(t, "3/100", texts[0])
	require.Greater(t, answers, 2)
}

// countedPages counts the pages that are read.
type countedPages struct {
	*foldtest.Memory
	read atomic.Int64
}

func (c *countedPages) Pages(ctx context.Context, keys []fold.PageKey) (map[fold.PageKey]deploy.Page, error) {
	c.read.Add(int64(len(keys)))
	return c.Memory.Pages(ctx, keys)
}

func TestATailReadsAPageOfEachHundredHostsHoweverMuchWasSaid(t *testing.T) {
	a := &asker{t: t, nc: bustest.Start(t).Connect(t), store: foldtest.NewMemory()}
	docs := &countedPages{Memory: a.store}
	lifecycletest.Start(t, func(ctx context.Context, ready func()) error {
		return query.Serve(ctx, a.nc, docs, fold.NewPosition(), telemetry.New(nil), zerolog.Nop(), func(*bus.Replica) { ready() })
	})
	a.fleet(300, "")
	a.saidAt(2000, 0, 1, 2, 3, 100, 200, 201) // 40, 10 and 20 pages

	texts, _, _ := a.tail(contract.ListOutput{}, 100)
	require.Len(t, texts, 100)
	require.EqualValues(t, 3, docs.read.Swap(0))
	texts, _, _ = a.tail(contract.ListOutput{Server: "201"}, 10)
	require.Equal(t, "201/1999", texts[9])
	require.EqualValues(t, 1, docs.read.Swap(0))
	texts, _, _ = a.tail(contract.ListOutput{Level: "error"}, 10)
	require.Len(t, texts, 7)
	require.EqualValues(t, 70, docs.read.Swap(0), "what is so rare takes all of them, once")
}

func TestATailThatTakesMoreThanOneAnswerGoesOnWhereItWas(t *testing.T) {
	a := serve(t)
	a.fleet(100, "")
	a.saidAt(5000, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9) // 250 pages
	texts, answers, _ := a.tail(contract.ListOutput{Level: "error"}, 10)
	require.Len(t, texts, 10)
	require.Equal(t, 2, answers)
}

func TestATailThatCannotBeAnsweredIsRefused(t *testing.T) {
	a := serve(t)
	a.fleet(250, "")
	for field, q := range map[string]contract.ListOutput{
		"after":  {Limit: 1, Last: true, After: "1"},
		"before": {Limit: 1, Last: true, Before: "1,2,3,4"},
	} {
		got, ok := a.ask(contract.QueryOutput, "d", q).(contract.Refused)
		require.True(t, ok)
		require.Equal(t, field, got.Field)
	}
}
