package query

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// pagesAtOnce bounds the pages that are read for one answer. Where few lines are what is
// asked for, an answer may hold none, though there are more.
const pagesAtOnce = 50

func (s *Server) output(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.ListOutput)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	if err := checkPage(q.Limit, "", nil); err != nil {
		return nil, err
	}
	if err := s.await(ctx, q.MinSeq); err != nil {
		return nil, err
	}
	h, err := s.header(ctx, question.Deployment)
	if err != nil {
		return nil, err
	}
	pieces := (h.Targets + deploy.PieceSize - 1) / deploy.PieceSize
	if q.Last && q.After != "" {
		return nil, fieldError{"after", "the last lines are asked for"}
	}
	at, err := parsePositions("after", q.After, pieces)
	if err != nil {
		return nil, err
	}
	r := outputReader{Server: s, q: q, deployment: h.ID, at: at, only: -1, pages: pagesAtOnce, free: s.room()}
	r.answer.Lines = []contract.TargetLine{}
	if q.Server != "" {
		if r.only, err = s.ordinal(ctx, h, q.Server); err != nil {
			return nil, err
		}
	}
	if q.Last {
		if err := r.last(ctx, pieces); err != nil {
			return nil, err
		}
	}
	for i := 0; !q.Last && i < pieces && !r.answer.More; i++ {
		if r.only >= 0 && r.only/deploy.PieceSize != i {
			continue
		}
		if err := r.piece(ctx, i); err != nil {
			return nil, err
		}
	}
	r.answer.Position = r.at.String()
	return r.answer, nil
}

// ordinal finds the target that is this server, by id or name.
func (s *Server) ordinal(ctx context.Context, h deploy.Header, server string) (int, error) {
	for i := 0; i*deploy.PieceSize < h.Targets; i++ {
		key := fold.BucketKey{Deployment: h.ID, Index: i}
		found, err := s.docs.Buckets(ctx, []fold.BucketKey{key})
		if err != nil {
			return 0, err
		}
		for n, t := range found[key].Targets {
			if t.Host == server || t.Name == server {
				return i*deploy.PieceSize + n, nil
			}
		}
	}
	return 0, fieldError{"server", fmt.Sprintf("%.100q is none of the deployment's", server)}
}

// positions is how far one has read: of each piece of targets, the position of the next
// line.
type positions []int

func parsePositions(field, text string, pieces int) (positions, error) {
	at := make(positions, pieces)
	if text == "" {
		return at, nil
	}
	parts := strings.Split(text, ",")
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || len(parts) > max(1, pieces) {
			return nil, fieldError{field, fmt.Sprintf("%.100q is no position in this deployment", text)}
		}
		if i < pieces {
			at[i] = int(n)
		}
	}
	return at, nil
}

// String leaves out the pieces of which nothing has been read behind the last one.
func (p positions) String() string {
	last := 0
	for i, n := range p {
		if n > 0 {
			last = i
		}
	}
	parts := make([]string, 0, last+1)
	for _, n := range p[:min(len(p), last+1)] {
		parts = append(parts, strconv.Itoa(n))
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, ",")
}

// outputReader is an answer that is being filled.
type outputReader struct {
	*Server
	q          contract.ListOutput
	deployment string
	at         positions
	only       int // ordinal of the target that is asked for; below 0: all are
	pages      int // that may still be read
	free       room
	answer     contract.Output
}

// piece adds the lines of one piece of targets, until the answer is full.
func (r *outputReader) piece(ctx context.Context, index int) error {
	key := fold.BucketKey{Deployment: r.deployment, Index: index}
	outputs, err := r.docs.Outputs(ctx, []fold.BucketKey{key})
	if err != nil {
		return err
	}
	o := outputs[key]
	from, end := r.at[index], o.Lines
	if r.only >= 0 {
		of := r.target(o)
		from, end = max(from, of.First), of.End
	}
	if from >= end {
		return nil
	}
	buckets, err := r.docs.Buckets(ctx, []fold.BucketKey{key})
	if err != nil {
		return err
	}
	for at := from; at < end; {
		if r.pages--; r.pages < 0 {
			r.answer.More = true
			return nil
		}
		page := fold.PageKey{Deployment: r.deployment, Index: index, Number: at / deploy.OutputPage}
		found, err := r.docs.Pages(ctx, []fold.PageKey{page})
		if err != nil {
			return err
		}
		next := min(end, (page.Number+1)*deploy.OutputPage)
		at += r.add(found[page].Lines, at-page.Number*deploy.OutputPage, next-at, buckets[key])
		r.at[index] = at
		if r.answer.More {
			return nil
		}
	}
	return nil
}

// target is where the lines of the one target are that is asked for.
func (r *outputReader) target(o deploy.Output) deploy.TargetOutput {
	if place := r.only % deploy.PieceSize; place < len(o.Targets) {
		return o.Targets[place]
	}
	return deploy.TargetOutput{}
}

// add takes in so many lines of a page, and returns how many of them it is through with:
// fewer where the answer is full.
func (r *outputReader) add(page []deploy.SaidLine, first, count int, names deploy.Bucket) (done int) {
	for i := range count {
		if first+i >= len(page) {
			break
		}
		l := page[first+i]
		if !r.wants(l) {
			continue
		}
		row := rowOf(l, names)
		if len(r.answer.Lines) == r.q.Limit || !r.free.take(row, len(r.answer.Lines) == 0) {
			r.answer.More = true
			return i
		}
		r.answer.Lines = append(r.answer.Lines, row)
	}
	return count
}

func (r *outputReader) wants(l deploy.SaidLine) bool {
	return l.Number > 0 && (r.only < 0 || l.Target == r.only) &&
		(r.q.Step == "" || r.q.Step == string(l.Step)) &&
		(r.q.Stream == "" || r.q.Stream == l.Stream) &&
		(r.q.Level == "" || r.q.Level == l.Level) &&
		(r.q.From == nil || !l.Time.Before(*r.q.From)) &&
		(r.q.To == nil || l.Time.Before(*r.q.To))
}
