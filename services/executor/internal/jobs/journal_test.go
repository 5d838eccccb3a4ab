package jobs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// begun returns the journal of an attempt that has begun, and stores events
// beside it.
func begun(t *testing.T) (*journal, func(id string)) {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	job := contract.Message{Envelope: contract.Envelope{Deployment: "d", Host: "h"}}
	j, err := open(t.Context(), b, job, position{}, "executor-1", deploy.StepConnect)
	require.NoError(t, err)
	return j, func(id string) {
		t.Helper()
		data, err := contract.Encode(contract.Envelope{ID: id, Deployment: "d", Host: "h"}, contract.JobProgressEvent{Step: "stage"})
		require.NoError(t, err)
		_, err = b.Append(t.Context(), contract.StreamEvents, j.subject, j.last, id, data)
		require.NoError(t, err)
	}
}

func TestAnotherAttemptsWordEndsTheJournal(t *testing.T) {
	j, store := begun(t)
	require.NoError(t, j.next(t.Context(), contract.LastStep{Step: "connect"}, deploy.StepStage))
	store("another's")
	require.ErrorIs(t, j.progress(t.Context(), deploy.StepStage, 1, 2), errSuperseded)
	j.unsure = []string{"of its own, never stored"}
	require.ErrorIs(t, j.progress(t.Context(), deploy.StepStage, 1, 2), errSuperseded)
}

func TestAnOwnWordWithoutAnAnswerIsNotTakenForAnothers(t *testing.T) {
	j, store := begun(t)
	store("its own")
	j.unsure = []string{"lost", "its own"} // as when the time for a step ends while progress is told
	require.NoError(t, j.next(t.Context(), contract.LastStep{Step: "stage"}, deploy.StepSwitch))
	require.Empty(t, j.unsure)
	require.NoError(t, j.end(t.Context(), contract.JobEndedEvent{State: "succeeded"}))
}
