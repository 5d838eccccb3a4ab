package query

import (
	"context"
	"slices"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// tailPages bounds the pages that are read for one answer with the last lines, beyond one
// of each hundred hosts.
const tailPages = 200

// ending is one piece of targets that is read from its end.
type ending struct {
	index int
	floor int      // position: nothing that is asked for is before it
	at    int      // position of the first line that was read
	found []placed // read, asked for and not yet taken: the last of them is the next
}

// placed is a line and its position.
type placed struct {
	at   int
	line deploy.SaidLine
}

// dry says that more must be read to know the next line.
func (e *ending) dry() bool { return len(e.found) == 0 && e.at > e.floor }

// page names the page that is to be read next.
func (e *ending) page(deployment string) fold.PageKey {
	return fold.PageKey{Deployment: deployment, Index: e.index, Number: (e.at - 1) / deploy.OutputPage}
}

// rest is the position before which all is that was not taken.
func (e *ending) rest() int {
	if n := len(e.found); n > 0 {
		return e.found[n-1].at + 1
	}
	if e.at > e.floor {
		return e.at
	}
	return 0
}

// last fills the answer with the last lines that are asked for. Lines of each hundred hosts
// keep their order; where there are more hosts, these orders are merged by time, the latest
// line first.
//
// It costs the head and the last page of each hundred hosts, and a page for each 200 lines
// beyond those, however much there is before them; where few lines are what is asked for,
// all that is behind the last of them is read, tailPages at a time. A page of each hundred
// hosts is held in memory. Of one host, nothing is read but the pages that it is in.
func (r *outputReader) last(ctx context.Context, pieces int) error {
	all, err := r.endings(ctx, pieces)
	if err != nil {
		return err
	}
	r.pages = len(all) + tailPages
	names := map[int]deploy.Bucket{}
	for len(r.answer.Lines) < r.q.Limit {
		enough, err := r.readBack(ctx, all)
		if err != nil {
			return err
		}
		next := latest(all)
		if !enough || next == nil {
			break
		}
		if _, known := names[next.index]; !known {
			key := fold.BucketKey{Deployment: r.deployment, Index: next.index}
			found, err := r.docs.Buckets(ctx, []fold.BucketKey{key})
			if err != nil {
				return err
			}
			names[next.index] = found[key]
		}
		row := rowOf(next.found[len(next.found)-1].line, names[next.index])
		if !r.free.take(row, len(r.answer.Lines) == 0) {
			break
		}
		next.found = next.found[:len(next.found)-1]
		r.answer.Lines = append(r.answer.Lines, row)
	}
	slices.Reverse(r.answer.Lines)
	before := make(positions, pieces)
	for _, e := range all {
		before[e.index] = e.rest()
		r.answer.More = r.answer.More || e.rest() > 0
	}
	if r.answer.More {
		r.answer.Before = before.String()
	}
	return nil
}

// endings returns the pieces that may hold what is asked for, and notes where they end.
func (r *outputReader) endings(ctx context.Context, pieces int) ([]*ending, error) {
	before, err := parsePositions("before", r.q.Before, pieces)
	if err != nil {
		return nil, err
	}
	var keys []fold.BucketKey
	for i := range pieces {
		if r.only < 0 || r.only/deploy.PieceSize == i {
			keys = append(keys, fold.BucketKey{Deployment: r.deployment, Index: i})
		}
	}
	outputs, err := r.docs.Outputs(ctx, keys)
	if err != nil {
		return nil, err
	}
	var all []*ending
	for _, key := range keys {
		o := outputs[key]
		r.at[key.Index] = o.Lines
		e := &ending{index: key.Index, at: o.Lines}
		if r.only >= 0 {
			of := r.target(o)
			e.floor, e.at = of.First, of.End
		}
		if r.q.Before != "" {
			e.at = min(e.at, before[key.Index])
		}
		all = append(all, e)
	}
	return all, nil
}

// readBack reads until of each piece the next line is known, or that there is none. It
// returns false where that takes more pages than one answer may.
func (r *outputReader) readBack(ctx context.Context, all []*ending) (bool, error) {
	for {
		var keys []fold.PageKey
		for _, e := range all {
			if e.dry() {
				keys = append(keys, e.page(r.deployment))
			}
		}
		if len(keys) == 0 {
			return true, nil
		}
		if r.pages -= len(keys); r.pages < 0 {
			return false, nil
		}
		pages, err := r.docs.Pages(ctx, keys)
		if err != nil {
			return false, err
		}
		for _, e := range all {
			if e.dry() {
				r.read(e, pages[e.page(r.deployment)])
			}
		}
	}
}

// read takes what is asked for from the page before what was read.
func (r *outputReader) read(e *ending, page deploy.Page) {
	begin := (e.at - 1) / deploy.OutputPage * deploy.OutputPage
	first, end := max(begin, e.floor), min(e.at, begin+len(page.Lines))
	for at := first; at < end; at++ {
		if l := page.Lines[at-begin]; r.wants(l) {
			e.found = append(e.found, placed{at, l})
		}
	}
	e.at = first
}

// latest returns the piece whose next line is the latest; nil: there are no lines. Of lines
// of one time, those of later hosts come last.
func latest(all []*ending) *ending {
	var found *ending
	for _, e := range all {
		n := len(e.found)
		if n == 0 {
			continue
		}
		if found == nil || !e.found[n-1].line.Time.Before(found.found[len(found.found)-1].line.Time) {
			found = e
		}
	}
	return found
}

// rowOf is a line as it is answered.
func rowOf(l deploy.SaidLine, names deploy.Bucket) contract.TargetLine {
	row := contract.TargetLine{
		Target: l.Target, Host: l.Host, Attempt: l.Attempt, Number: l.Number, Step: string(l.Step), OutputLine: contract.OutputLine(l.OutputLine),
	}
	if place := l.Target % deploy.PieceSize; place < len(names.Targets) {
		row.Name = names.Targets[place].Name
	}
	return row
}
