package revision_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/revision"
)

var errGone = errors.New("gone")

// stored is a thing of which others write revisions in between.
type stored struct {
	text   string
	rev    uint64 // 0: it is not there
	others int    // how many writes of others are to come first
	lost   bool   // the answer to the next removal is lost, and it is tried again
	writes int
}

func (s *stored) cell() revision.Cell[string] {
	return revision.Cell[string]{
		Read: func(context.Context) (string, uint64, error) {
			if s.rev == 0 {
				return "", 0, errGone
			}
			return s.text, s.rev, nil
		},
		Write: func(_ context.Context, _, next string, rev uint64) (uint64, error) {
			if s.overtaken(rev) {
				return 0, bus.ErrConflict
			}
			s.text, s.rev, s.writes = next, s.rev+1, s.writes+1
			return s.rev, nil
		},
		Remove: func(_ context.Context, _ string, rev uint64) error {
			if s.overtaken(rev) {
				return bus.ErrConflict
			}
			s.rev = 0
			if s.lost {
				return bus.ErrConflict
			}
			return nil
		},
		Gone: errGone,
	}
}

func (s *stored) overtaken(rev uint64) bool {
	if s.others > 0 {
		s.others, s.rev, s.text = s.others-1, s.rev+1, s.text+"+"
	}
	return rev != s.rev
}

func exclaim(s string) (string, error) { return s + "!", nil }

func TestAChangeIsMadeOfWhatIsThere(t *testing.T) {
	s := &stored{text: "a", rev: 7, others: 2}
	got, rev, err := s.cell().Change(t.Context(), 0, exclaim)
	require.NoError(t, err)
	require.Equal(t, "a++!", got)
	require.EqualValues(t, 10, rev)
}

func TestWhoInsistsOnARevisionOverwritesNothing(t *testing.T) {
	s := &stored{text: "a", rev: 7}
	_, _, err := s.cell().Change(t.Context(), 6, exclaim)
	require.ErrorIs(t, err, revision.ErrChanged)
	require.ErrorIs(t, s.cell().Delete(t.Context(), 6), revision.ErrChanged)
	s.others = 1
	_, _, err = s.cell().Change(t.Context(), 7, exclaim)
	require.ErrorIs(t, err, revision.ErrChanged)
	s.others = 1
	require.ErrorIs(t, s.cell().Delete(t.Context(), 8), revision.ErrChanged)
	require.Equal(t, "a++", s.text)
	require.NoError(t, s.cell().Delete(t.Context(), 9))
}

func TestWhatIsNotChangedIsNotWritten(t *testing.T) {
	s := &stored{text: "a", rev: 7}
	_, rev, err := s.cell().Change(t.Context(), 0, func(s string) (string, error) { return s, nil })
	require.NoError(t, err)
	require.EqualValues(t, 7, rev)
	refused := errors.New("refused")
	got, _, err := s.cell().Change(t.Context(), 0, func(string) (string, error) { return "b", refused })
	require.ErrorIs(t, err, refused)
	require.Equal(t, "a", got)
	require.Zero(t, s.writes)
}

func TestWhatAnEarlierTryHasRemovedIsRemoved(t *testing.T) {
	s := &stored{text: "a", rev: 7, lost: true}
	require.NoError(t, s.cell().Delete(t.Context(), 7))
	require.ErrorIs(t, s.cell().Delete(t.Context(), 0), errGone)
	_, _, err := s.cell().Change(t.Context(), 0, exclaim)
	require.ErrorIs(t, err, errGone)
}

func TestAWriteWhoseAnswerWasLostIsAWrite(t *testing.T) {
	type note struct {
		Text string   `json:"text"`
		Tags []string `json:"tags,omitempty"`
	}
	cells, err := bus.OpenCells[note](t.Context(), bustest.Start(t).OpenBus(t), contract.BucketProjects)
	require.NoError(t, err)
	first, err := cells.Create(t.Context(), "k", note{Text: "a"})
	require.NoError(t, err)
	next := note{Text: "b", Tags: []string{}} // comes back as nil
	lost, err := cells.Set(t.Context(), "k", next, first)
	require.NoError(t, err)

	rev, err := revision.Set(t.Context(), cells, "k", next, first)
	require.NoError(t, err)
	require.Equal(t, lost, rev)
	_, err = revision.Set(t.Context(), cells, "k", note{Text: "c"}, first)
	require.ErrorIs(t, err, bus.ErrConflict)
}
