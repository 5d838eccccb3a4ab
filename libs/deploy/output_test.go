package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// pages folds records as a store does that keeps each document, and returns the lines by
// position.
func pages(records []deploy.Record) (deploy.Output, []deploy.SaidLine) {
	var o deploy.Output
	kept := map[int]deploy.Page{}
	for _, r := range records {
		at := o.Lines
		var added []deploy.SaidLine
		o, added = deploy.FoldOutput(o, r)
		for len(added) > 0 {
			n := at / deploy.OutputPage
			some := added[:min(len(added), (n+1)*deploy.OutputPage-at)]
			p := kept[n]
			p.Number = n
			kept[n] = deploy.FoldPage(p, r.Seq, at, some)
			at, added = at+len(some), added[len(some):]
		}
	}
	var lines []deploy.SaidLine
	for n := range len(kept) {
		lines = append(lines, kept[n].Lines...)
	}
	return o, lines
}

func said(target int, token uint64, first, count int) deploy.OutputSaid {
	e := deploy.OutputSaid{
		On: deploy.TargetRef{Target: target, Host: fmt.Sprint("h", target), Attempt: int(token), Token: token}, Step: deploy.StepDuring, First: first,
	}
	for i := range count {
		e.Lines = append(e.Lines, deploy.OutputLine{Stream: "stdout", Level: "info", Text: fmt.Sprintf("%d/%d/%d", target, token, first+i)})
	}
	return e
}

// TestLinesStandOnceAndInOrder has attempts on some hosts say their lines, with repeats
// of what was said before, and words of an attempt that was superseded coming late.
func TestLinesStandOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type voice struct {
			target int
			token  uint64
		}
		next := map[voice]int{}
		var records []deploy.Record
		total := 0
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			v := voice{rapid.IntRange(100, 103).Draw(t, "target"), uint64(rapid.IntRange(1, 3).Draw(t, "token"))}
			back := rapid.SampledFrom([]int{0, 0, 1, 30}).Draw(t, "repeated")
			first := max(1, next[v]+1-back)
			count := rapid.IntRange(1, 70).Draw(t, "lines")
			records = append(records, deploy.Record{Seq: uint64(len(records) + 5), Event: said(v.target, v.token, first, count)})
			total += max(0, first+count-1-next[v])
			next[v] = max(next[v], first+count-1)
		}
		o, lines := pages(records)
		require.Len(t, lines, total)
		require.Equal(t, total, o.Lines)
		at := map[voice]int{}
		for position, l := range lines {
			v := voice{l.Target, uint64(l.Attempt)}
			at[v]++
			require.Equal(t, at[v], l.Number)
			require.Equal(t, fmt.Sprintf("%d/%d/%d", v.target, v.token, l.Number), l.Text)
			of := o.Targets[l.Target%deploy.PieceSize]
			require.True(t, of.First <= position && position < of.End)
		}
		require.Equal(t, next, at, "to the last one")

		again, changed := deploy.FoldOutput(o, deploy.Record{Seq: o.Seq, Event: said(100, 9, 1, 1)})
		require.Equal(t, o, again)
		require.Empty(t, changed)
	})
}

func TestOfOneHostSoMuchIsKept(t *testing.T) {
	flood := said(1, 1, 1, 1000)
	for i := range flood.Lines {
		flood.Lines[i].Text = strings.Repeat("x", 1500)
	}
	var records []deploy.Record
	for i := range 9 {
		many := said(0, 1, 1+i*1000, 1000)
		flood.First = 1 + i*1000
		records = append(records, deploy.Record{Seq: uint64(2*i + 1), Event: many}, deploy.Record{Seq: uint64(2*i + 2), Event: flood})
	}
	o, lines := pages(records)
	require.Equal(t, 5000, o.Targets[0].Lines)
	require.LessOrEqual(t, o.Targets[1].Bytes, 1<<20+200)
	require.Len(t, lines, o.Targets[0].Lines+o.Targets[1].Lines)
	for target := range 2 {
		last := lines[o.Targets[target].End-1]
		require.Equal(t, target, last.Target)
		require.Equal(t, "of one host 5000 lines are kept, of 1048576 bytes in all: what follows is left out", last.Text)
	}
	require.Zero(t, o.Targets[0].First)
}

func TestOutputChangesNothingOfADeployment(t *testing.T) {
	_, changes := deploy.BucketOf(said(3, 1, 1, 1))
	require.False(t, changes)
}
