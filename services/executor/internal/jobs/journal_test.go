package jobs

import (
	"testing"
	"time"

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

// told returns the word that was stored last.
func (j *journal) told(t *testing.T) contract.Message {
	t.Helper()
	last, err := j.bus.Last(t.Context(), contract.StreamEvents, j.subject)
	require.NoError(t, err)
	m, err := contract.Decode(last.Data)
	require.NoError(t, err)
	return m
}

func TestAStepThatEndsSoonAfterAnotherIsToldWithIt(t *testing.T) {
	j, _ := begun(t)
	began := j.last
	at := time.Now().UTC().Truncate(time.Millisecond)
	connected := contract.LastStep{Step: "connect", State: "succeeded", StartedAt: at, EndedAt: at, Note: "n"}
	earlier := []contract.EarlierStep{{Step: "connect", StartedAt: at, EndedAt: at, Note: "n"}}
	j.soon(t.Context(), connected, deploy.StepStage)
	require.NoError(t, j.next(t.Context(), contract.LastStep{Step: "stage", State: "succeeded"}, deploy.StepSwitch))
	told := j.told(t).Body.(contract.JobStepEvent)
	require.Equal(t, "stage switch", told.Step+" "+told.Next)
	require.Equal(t, earlier, told.Earlier)

	j.soon(t.Context(), connected, deploy.StepStage)
	require.NoError(t, j.end(t.Context(), contract.JobEndedEvent{State: "failed"}))
	require.Equal(t, earlier, j.told(t).Body.(contract.JobEndedEvent).Earlier)
	require.Equal(t, began+2, j.last, "a word for each two")
	require.Nil(t, j.telling)
}

func TestAStepIsToldByItselfWhereTheNextTakesItsTime(t *testing.T) {
	j, _ := begun(t)
	j.soon(t.Context(), contract.LastStep{Step: "connect", State: "succeeded"}, deploy.StepStage)
	require.NoError(t, j.progress(t.Context(), deploy.StepStage, 1, 2))
	began := j.last
	require.Equal(t, contract.TypeJobProgress, j.told(t).Type)

	j.soon(t.Context(), contract.LastStep{Step: "connect", State: "succeeded"}, deploy.StepStage)
	j.soon(t.Context(), contract.LastStep{Step: "stage", State: "succeeded"}, deploy.StepSwitch)
	require.Eventually(t, func() bool { return j.told(t).Type == contract.TypeJobStep }, time.Minute, 10*time.Millisecond)
	told := j.told(t).Body.(contract.JobStepEvent)
	require.Equal(t, "stage switch", told.Step+" "+told.Next)
	require.Len(t, told.Earlier, 1)
	require.NoError(t, j.end(t.Context(), contract.JobEndedEvent{State: "succeeded"}))
	require.Equal(t, began+2, j.last)

	j.soon(t.Context(), contract.LastStep{Step: "connect"}, deploy.StepStage)
	j.leave()
	require.Nil(t, j.held)
}
