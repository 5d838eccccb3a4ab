package fold

import "time"

const (
	// batchSize bounds a batch while there is much to make good: a document is
	// written once a batch, so that larger ones write it less often.
	batchSize = 2000
	// batchWait is how long the first event of a batch waits for others: long
	// enough to write the document of a busy deployment once and not for every
	// step, too short to be noticed by who reads it.
	batchWait = 20 * time.Millisecond
)

// nextBatch waits for entries and returns them, in order: what comes within
// batchWait of the first, at most batchSize. The batch is empty when tick was
// first. open is false when there will be no more.
func nextBatch(in <-chan Entry, tick <-chan time.Time) (batch []Entry, open bool) {
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
			return batch, true
		}
	}
	return batch, true
}
