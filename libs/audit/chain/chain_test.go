package chain

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// told returns action and outcome of each entry, once the log was verified.
func told(t *testing.T, b *bus.Bus) (all []string) {
	t.Helper()
	var lines [][]byte
	require.NoError(t, b.Scan(t.Context(), contract.StreamAudit, []string{Subject}, func(s bus.Stored) error {
		lines = append(lines, Lines(bytes.Clone(s.Data))...)
		return nil
	}))
	found, err := audit.Verify(each(lines), nil)
	require.NoError(t, err)
	require.Nil(t, found.Flaw)
	for _, line := range lines {
		e, err := audit.Canonical(line)
		require.NoError(t, err)
		require.Equal(t, line, e)
		all = append(all, string(line))
	}
	return all
}

func each(lines [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

func TestWhatIsDoneBesideTheGatewaysIsRecordedBeforeAndAfter(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	var all sync.WaitGroup
	for range 5 { // several programs write one chain
		all.Go(func() {
			err := Record(t.Context(), b, audit.Entry{Action: "keys.reseal"}, func(context.Context) error {
				if len(told(t, b)) == 0 {
					t.Error("it is done before it is recorded")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	broken := errors.New("broken")
	err := Record(t.Context(), b, audit.Entry{Action: "keys.reseal"}, func(context.Context) error { return broken })
	require.ErrorIs(t, err, broken)
	entries := told(t, b)
	require.Len(t, entries, 12)
	require.Contains(t, entries[11], `"asked":11`)
	require.Contains(t, entries[11], `"outcome":"failed"`)
}

func TestNothingIsDoneThatCannotBeRecorded(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	_, err := b.Publish(t.Context(), Subject, "", []byte("forged"))
	require.NoError(t, err)
	err = Record(t.Context(), b, audit.Entry{Action: "keys.reseal"}, func(context.Context) error {
		require.Fail(t, "it is done")
		return nil
	})
	require.ErrorIs(t, err, ErrBroken)
}

// The broker has stored a message, and its word for that never came.
func TestAMessageThatWasStoredIsKnownAgain(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	mine, err := Open(t.Context(), b)
	require.NoError(t, err)
	other, err := Open(t.Context(), b)
	require.NoError(t, err)
	require.NoError(t, mine.store(t.Context(), &audit.Entry{Action: "first"}))
	before := mine.message
	require.NoError(t, mine.store(t.Context(), &audit.Entry{Action: "second"}))
	require.NoError(t, other.store(t.Context(), &audit.Entry{Action: "third"}))
	stored, err := b.Next(t.Context(), contract.StreamAudit, Subject, before)
	require.NoError(t, err)
	seq, err := mine.storedAfter(t.Context(), before, stored.ID)
	require.NoError(t, err)
	require.Equal(t, stored.Seq, seq, "though another came after it")
	seq, err = mine.storedAfter(t.Context(), before, "other")
	require.NoError(t, err)
	require.Zero(t, seq)
	seq, err = mine.storedAfter(t.Context(), stored.Seq+1, stored.ID)
	require.NoError(t, err)
	require.Zero(t, seq, "nothing was stored after the last")
}
