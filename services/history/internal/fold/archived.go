package fold

import (
	"context"
	"fmt"
	"time"
)

// Archived notes that the documents of a deployment went to the archive. It is there
// before they are removed, and stays: nothing is folded into a deployment that is gone,
// so that events which are read again do not bring a part of it back.
type Archived struct {
	Deployment string
	File       string // in the archive
	At         time.Time
	Removing   bool      // documents of it may be left
	Pieces     int       // of its targets, as long as it is being removed
	Restored   time.Time // when it was brought back; zero: it is gone
}

// Gone says whether the deployment has been archived and not brought back since.
func (a Archived) Gone() bool { return a.Deployment != "" && a.Restored.IsZero() }

// passOver marks the entries of deployments that are gone. One whose header is known
// has not ended, and is none of them; with again set, what is known may be behind the
// store.
func (f *Folder) passOver(ctx context.Context, entries []Entry, again bool) error {
	asked := map[string]bool{}
	var ids []string
	for _, e := range entries {
		if _, known := f.headers.get(e.Deployment); e.Rejected != nil || known && !again || asked[e.Deployment] {
			continue
		}
		asked[e.Deployment] = true
		ids = append(ids, e.Deployment)
	}
	if len(ids) == 0 {
		return nil
	}
	archived, err := f.store.Archived(ctx, ids)
	if err != nil {
		return fmt.Errorf("read what is archived: %w", err)
	}
	for i := range entries {
		entries[i].gone = archived[entries[i].Deployment].Gone()
	}
	return nil
}
