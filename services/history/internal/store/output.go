package store

import (
	"context"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

type outputDoc struct {
	ID         string            `bson:"_id"` // bucketID
	Seq        int64             `bson:"seq"`
	Deployment string            `bson:"deployment"`
	Index      int               `bson:"index"`
	Lines      int               `bson:"lines"`
	Targets    []targetOutputDoc `bson:"targets"`
}

type targetOutputDoc struct {
	First    int                `bson:"first"`
	End      int                `bson:"end"`
	Lines    int                `bson:"lines"`
	Bytes    int                `bson:"bytes"`
	Full     bool               `bson:"full,omitempty"`
	Attempts []attemptOutputDoc `bson:"attempts,omitempty"`
}

type attemptOutputDoc struct {
	Token int64 `bson:"token"`
	Last  int   `bson:"last"`
}

type pageDoc struct {
	ID         string    `bson:"_id"` // pageID
	Seq        int64     `bson:"seq"`
	Deployment string    `bson:"deployment"`
	Index      int       `bson:"index"`
	Number     int       `bson:"number"`
	Lines      []lineDoc `bson:"lines"`
}

// lineDoc has short names: there are many of it.
type lineDoc struct {
	Target  int       `bson:"t"`
	Host    string    `bson:"h"`
	Attempt int       `bson:"a"`
	Number  int       `bson:"n"`
	Step    string    `bson:"p"`
	Time    time.Time `bson:"at,omitempty"`
	Stream  string    `bson:"s"`
	Level   string    `bson:"l"`
	Text    string    `bson:"x"`
}

// Outputs implements fold.Store and query.Documents.
func (s *Store) Outputs(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Output, error) {
	return byKey(ctx, s, outputs, keys, bucketID, func(d outputDoc) (fold.BucketKey, deploy.Output) {
		return fold.BucketKey{Deployment: d.Deployment, Index: d.Index}, d.toOutput()
	})
}

// Pages implements fold.Store and query.Documents.
func (s *Store) Pages(ctx context.Context, keys []fold.PageKey) (map[fold.PageKey]deploy.Page, error) {
	return byKey(ctx, s, logs, keys, pageID, func(d pageDoc) (fold.PageKey, deploy.Page) {
		return fold.PageKey{Deployment: d.Deployment, Index: d.Index, Number: d.Number}, d.toPage()
	})
}

// PutOutputs implements fold.Store.
func (s *Store) PutOutputs(ctx context.Context, changes []fold.Change[deploy.Output]) error {
	return putAll(ctx, s, outputs, changes, func(o deploy.Output) (string, any) {
		d := outputToDoc(o)
		return d.ID, d
	})
}

// PutPages implements fold.Store.
func (s *Store) PutPages(ctx context.Context, changes []fold.Change[deploy.Page]) error {
	return putAll(ctx, s, logs, changes, func(p deploy.Page) (string, any) {
		d := pageToDoc(p)
		return d.ID, d
	})
}

func pageID(key fold.PageKey) string {
	return bucketID(fold.BucketKey{Deployment: key.Deployment, Index: key.Index}) + "/" + strconv.Itoa(key.Number)
}

func outputToDoc(o deploy.Output) outputDoc {
	d := outputDoc{
		ID: bucketID(fold.BucketKey{Deployment: o.Deployment, Index: o.Index}), Seq: int64(o.Seq),
		Deployment: o.Deployment, Index: o.Index, Lines: o.Lines, Targets: make([]targetOutputDoc, 0, len(o.Targets)),
	}
	for _, t := range o.Targets {
		to := targetOutputDoc{First: t.First, End: t.End, Lines: t.Lines, Bytes: t.Bytes, Full: t.Full}
		for _, a := range t.Attempts {
			to.Attempts = append(to.Attempts, attemptOutputDoc{Token: int64(a.Token), Last: a.Last})
		}
		d.Targets = append(d.Targets, to)
	}
	return d
}

func (d outputDoc) toOutput() deploy.Output {
	o := deploy.Output{Deployment: d.Deployment, Index: d.Index, Seq: uint64(d.Seq), Lines: d.Lines}
	for _, t := range d.Targets {
		to := deploy.TargetOutput{First: t.First, End: t.End, Lines: t.Lines, Bytes: t.Bytes, Full: t.Full}
		for _, a := range t.Attempts {
			to.Attempts = append(to.Attempts, deploy.AttemptOutput{Token: uint64(a.Token), Last: a.Last})
		}
		o.Targets = append(o.Targets, to)
	}
	return o
}

func pageToDoc(p deploy.Page) pageDoc {
	key := fold.PageKey{Deployment: p.Deployment, Index: p.Index, Number: p.Number}
	d := pageDoc{ID: pageID(key), Seq: int64(p.Seq), Deployment: p.Deployment, Index: p.Index, Number: p.Number, Lines: make([]lineDoc, 0, len(p.Lines))}
	for _, l := range p.Lines {
		d.Lines = append(d.Lines, lineDoc{
			Target: l.Target, Host: l.Host, Attempt: l.Attempt, Number: l.Number, Step: string(l.Step),
			Time: l.Time, Stream: l.Stream, Level: l.Level, Text: l.Text,
		})
	}
	return d
}

func (d pageDoc) toPage() deploy.Page {
	p := deploy.Page{Deployment: d.Deployment, Index: d.Index, Number: d.Number, Seq: uint64(d.Seq)}
	for _, l := range d.Lines {
		p.Lines = append(p.Lines, deploy.SaidLine{
			Target: l.Target, Host: l.Host, Attempt: l.Attempt, Number: l.Number, Step: deploy.Step(l.Step),
			OutputLine: deploy.OutputLine{Time: l.Time, Stream: l.Stream, Level: l.Level, Text: l.Text},
		})
	}
	return p
}
