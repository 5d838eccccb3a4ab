package fold

import (
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	// batchSize bounds a batch while there is much to make good: a document is
	// written once a batch, so that larger ones write it less often.
	batchSize = 2000
	// batchWait is how long the first event of a batch waits for others: long
	// enough to write the document of a busy deployment once and not for every
	// step, too short to be noticed by who reads it.
	batchWait = 20 * time.Millisecond
	// restShare is how much longer than a batch took to be folded the next one
	// waits: writing a document of a hundred hosts may cost the machine more than
	// a step of theirs. longestRest bounds that.
	restShare   = 9
	longestRest = 500 * time.Millisecond
	// longestUnplaced bounds how long what runs where waits to be written, by the same
	// share, as long as nobody waits for it.
	longestUnplaced = 2 * time.Second
)

// pace says how long a batch is collected.
type pace struct {
	position *Position
	rested   time.Time // when the store has rested from the last batch
	unplaced time.Time // until when what runs where may wait
}

// took notes that folding a batch took so long until now.
func (p *pace) took(d time.Duration) { p.rested = time.Now().Add(min(restShare*d, longestRest)) }

// placed notes that writing what runs where took so long until now.
func (p *pace) placed(d time.Duration) {
	p.unplaced = time.Now().Add(min(restShare*d, longestUnplaced))
}

// placing says whether what runs where has waited for long enough, or somebody waits.
func (p *pace) placing() bool { return !time.Now().Before(p.unplaced) || p.position.awaited() }

// due says whether a batch that has been collected for batchWait is to be folded:
// the store has rested, or somebody waits for it, or it holds more than how jobs go on.
func (p *pace) due(batch []Entry) bool {
	return !time.Now().Before(p.rested) || p.position.awaited() || slices.ContainsFunc(batch, isNews)
}

// isNews says whether an event is about a deployment as a whole.
func isNews(e Entry) bool {
	switch e.Record.Event.(type) {
	case deploy.JobStarted, deploy.StepChanged, deploy.JobProgressed, deploy.JobEnded, deploy.OutputSaid:
		return false
	default:
		return true
	}
}

// nextBatch waits for entries and returns them, in order: what comes within
// batchWait of the first, or until the batch is due, at most batchSize. The batch is
// empty when tick was first. open is false when there will be no more.
func nextBatch(in <-chan Entry, tick <-chan time.Time, p *pace) (batch []Entry, open bool) {
	select {
	case e, ok := <-in:
		if !ok {
			return nil, false
		}
		batch = append(batch, e)
	case <-tick:
		return nil, true
	}
	over := time.NewTimer(batchWait)
	defer over.Stop()
	for len(batch) < batchSize {
		select {
		case e, ok := <-in:
			if !ok {
				return batch, false
			}
			batch = append(batch, e)
		case <-over.C:
			if p.due(batch) {
				return batch, true
			}
			over.Reset(batchWait)
		}
	}
	return batch, true
}
