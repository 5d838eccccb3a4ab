package fold

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// noStore has nothing and takes everything.
type noStore struct {
	Store
	headers map[string]deploy.Header
	aside   []Rejected
}

func (noStore) Headers(context.Context, []string) (map[string]deploy.Header, error) { return nil, nil }
func (noStore) Archived(context.Context, []string) (map[string]Archived, error)     { return nil, nil }

func (s noStore) PutHeaders(_ context.Context, changes []Change[deploy.Header]) error {
	for _, c := range changes {
		s.headers[c.Doc.ID] = c.Doc
	}
	return nil
}

func (s *noStore) SetAside(_ context.Context, r Rejected) error {
	s.aside = append(s.aside, r)
	return nil
}

func TestAnEventThatMakesFoldingPanicIsSetAsideAndTheOthersAreFolded(t *testing.T) {
	store := &noStore{headers: map[string]deploy.Header{}}
	f := NewFolder(store, "here", zerolog.Nop())
	f.spoil = func(e Entry) { // it is half done then
		if e.Seq == 2 {
			panic("a mistake")
		}
	}
	var entries []Entry
	for seq := range uint64(3) {
		data, err := contract.Encode(contract.Envelope{Deployment: "d", Wave: int(seq)}, contract.WaveEvent{})
		require.NoError(t, err)
		entries = append(entries, Decode(seq+1, "slipway.v1.ev.d.sys", time.Time{}, data))
	}
	require.NoError(t, f.Fold(t.Context(), entries[:2]))
	require.Equal(t, 0, store.headers["d"].Wave, "nothing of it stays")
	require.NoError(t, f.Fold(t.Context(), entries[2:]))
	require.Equal(t, 2, store.headers["d"].Wave)
	require.EqualValues(t, 3, store.headers["d"].Seq)
	require.Len(t, store.aside, 1)
	require.EqualValues(t, 2, store.aside[0].Seq)
	require.Equal(t, "slipway.v1.ev.d.sys", store.aside[0].Subject)
	require.Equal(t, "folding it panics: a mistake", store.aside[0].Reason)
	require.NotEmpty(t, store.aside[0].Data)
}

// outputStore is noStore for what is said.
type outputStore struct {
	noStore
	heads map[BucketKey]deploy.Output
	pages map[PageKey]deploy.Page
}

func (outputStore) Outputs(context.Context, []BucketKey) (map[BucketKey]deploy.Output, error) {
	return nil, nil
}

func (outputStore) Pages(context.Context, []PageKey) (map[PageKey]deploy.Page, error) {
	return nil, nil
}

func (s outputStore) PutOutputs(_ context.Context, changes []Change[deploy.Output]) error {
	for _, c := range changes {
		s.heads[BucketKey{c.Doc.Deployment, c.Doc.Index}] = c.Doc
	}
	return nil
}

func (s outputStore) PutPages(_ context.Context, changes []Change[deploy.Page]) error {
	for _, c := range changes {
		s.pages[PageKey{c.Doc.Deployment, c.Doc.Index, c.Doc.Number}] = c.Doc
	}
	return nil
}

func TestOutputThatMakesFoldingPanicIsSetAsideAndTheOthersAreFolded(t *testing.T) {
	for name, at := range map[string]int{"its head": 2, "its page": 3} {
		t.Run(name, func(t *testing.T) {
			store := &outputStore{
				noStore{headers: map[string]deploy.Header{}}, map[BucketKey]deploy.Output{}, map[PageKey]deploy.Page{},
			}
			f := NewFolder(store, "here", zerolog.Nop())
			tries := 0
			f.spoil = func(e Entry) {
				if e.Seq == 2 {
					if tries++; tries == at {
						panic("a mistake")
					}
				}
			}
			var entries []Entry
			for seq := range uint64(3) {
				data, err := contract.Encode(contract.Envelope{Deployment: "d", Host: "h", Token: 7}, contract.JobOutputEvent{
					Step: "before", First: int(seq) + 1, Lines: []contract.OutputLine{{Stream: "stdout", Level: "info", Text: string('a' + rune(seq))}},
				})
				require.NoError(t, err)
				entries = append(entries, Decode(seq+1, contract.OutputSubject("d", "h"), time.Time{}, data))
			}
			require.NoError(t, f.Fold(t.Context(), entries))
			require.Len(t, store.aside, 1)
			require.EqualValues(t, 2, store.aside[0].Seq)
			require.Equal(t, "folding it panics: a mistake", store.aside[0].Reason)
			require.Equal(t, 2, store.heads[BucketKey{"d", 0}].Lines, "nothing of it stays")
			lines := store.pages[PageKey{"d", 0, 0}].Lines
			require.Len(t, lines, 2)
			require.Equal(t, "a", lines[0].Text)
			require.Equal(t, "c", lines[1].Text)
			require.Empty(t, store.headers)
		})
	}
}
