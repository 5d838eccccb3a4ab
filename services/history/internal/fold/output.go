package fold

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// outputs are the documents of what was said on hosts, of one batch.
type outputs struct {
	heads *draftSet[BucketKey, deploy.Output]
	pages *draftSet[PageKey, deploy.Page]
	added map[uint64][]addition // by the event that adds them
}

// addition is lines for a page, of which at is the position of the first.
type addition struct {
	to    PageKey
	at    int
	lines []deploy.SaidLine
}

func newOutputs() *outputs {
	return &outputs{
		heads: newDraftSet[BucketKey](asItIs[deploy.Output]), pages: newDraftSet[PageKey](asItIs[deploy.Page]),
		added: map[uint64][]addition{},
	}
}

// asItIs stands for a copy of documents whose functions change nothing in place.
func asItIs[V any](doc V) V { return doc }

// outputOf names the output that the entry adds to, if it does.
func outputOf(e Entry) (BucketKey, bool) {
	said, ok := e.Record.Event.(deploy.OutputSaid)
	return BucketKey{e.Deployment, said.On.Target / deploy.PieceSize}, ok && e.folds()
}

// foldOutputs folds the entries into the documents of what was said. One that cannot be
// is rejected, and the rest begun again.
func (f *Folder) foldOutputs(ctx context.Context, entries []Entry, again bool) (*outputs, error) {
	for {
		o, err := f.loadHeads(ctx, entries, again)
		if err != nil {
			return nil, err
		}
		if !f.each(entries, o.place) {
			continue
		}
		// Which pages there are to read is known only now.
		if err := o.pages.fill(ctx, f.pages, again, f.store.Pages, pageSeq); err != nil {
			return nil, fmt.Errorf("read pages of output: %w", err)
		}
		if f.each(entries, o.print) {
			return o, nil
		}
	}
}

// loadHeads returns the heads of the outputs that the entries add to.
func (f *Folder) loadHeads(ctx context.Context, entries []Entry, again bool) (*outputs, error) {
	o := newOutputs()
	for _, e := range entries {
		if key, ok := outputOf(e); ok {
			o.heads.want(key)
		}
	}
	if err := o.heads.fill(ctx, f.outputs, again, f.store.Outputs, outputSeq); err != nil {
		return nil, fmt.Errorf("read outputs: %w", err)
	}
	return o, nil
}

// place folds an entry into its head, and wants the pages that its lines go to.
func (o *outputs) place(e Entry) {
	key, ok := outputOf(e)
	if !ok {
		return
	}
	head := o.heads.own(key)
	head.Deployment, head.Index = key.Deployment, key.Index
	at := head.Lines
	var lines []deploy.SaidLine
	*head, lines = deploy.FoldOutput(*head, e.Record)
	for len(lines) > 0 {
		number := at / deploy.OutputPage
		fit := min(len(lines), (number+1)*deploy.OutputPage-at)
		to := PageKey{Deployment: key.Deployment, Index: key.Index, Number: number}
		o.pages.want(to)
		o.added[e.Seq] = append(o.added[e.Seq], addition{to, at, lines[:fit]})
		at, lines = at+fit, lines[fit:]
	}
}

// print puts the lines of an entry that was placed into their pages.
func (o *outputs) print(e Entry) {
	for _, a := range o.added[e.Seq] {
		p := o.pages.own(a.to)
		p.Deployment, p.Index, p.Number = a.to.Deployment, a.to.Index, a.to.Number
		*p = deploy.FoldPage(*p, e.Seq, a.at, a.lines)
	}
}

// writeOutputs writes pages before the heads that say what is in them. A head that has
// seen an event thus says that its lines are stored; one that has not places them anew,
// to where they are. (Where a store refused one of these, which are bounded far below what
// any store takes, later lines of the batch may stand where those of the event that is set
// aside then stood.)
func (f *Folder) writeOutputs(ctx context.Context, o *outputs) error {
	if err := put(ctx, o.pages, pageSeq, f.store.PutPages); err != nil {
		return fmt.Errorf("write pages of output: %w", err)
	}
	if err := put(ctx, o.heads, outputSeq, f.store.PutOutputs); err != nil {
		return fmt.Errorf("write outputs: %w", err)
	}
	return nil
}

func outputSeq(o deploy.Output) uint64 { return o.Seq }
func pageSeq(p deploy.Page) uint64     { return p.Seq }
