package courier

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

func TestACourierThatComesLaterTellsTheSameOfADeployment(t *testing.T) {
	r := newRoute(t)
	form := func(_ string, _ []deploy.Note, h deploy.Headway, _ time.Time) (any, string) {
		told := fmt.Sprint(h.State, h.Ended, h.At)
		return told, told
	}
	newHeadways := func() *headways {
		return &headways{bus: r.bus, forms: map[string]webhooks.Form{"plain": form}, kept: map[string]*headway{}}
	}
	on := func(body contract.Body) bus.Stored {
		t.Helper()
		data, err := contract.Encode(contract.Envelope{Deployment: "d1", Host: "h1", Attempt: 1, Token: 1}, body)
		require.NoError(t, err)
		_, err = r.bus.Publish(t.Context(), contract.JobEventSubject("d1", "h1"), "", data)
		require.NoError(t, err)
		stored, err := r.bus.Last(t.Context(), contract.StreamEvents, contract.JobEventSubject("d1", "h1"))
		require.NoError(t, err)
		return stored
	}
	now := time.Now()
	happened := []bus.Stored{
		r.happens("d1", contract.AcceptedEvent{Kind: "deploy", Targets: 1, Waves: 1}),
		r.happens("d1", contract.WaveEvent{}),
		on(contract.JobStartedEvent{Executor: "e", Step: "connect"}),
		on(contract.JobProgressEvent{Step: "connect", Done: 1}),
		on(contract.JobStepEvent{Step: "connect", State: "succeeded", StartedAt: now, EndedAt: &now, Next: "stage"}),
		on(contract.JobEndedEvent{State: "succeeded"}),
		r.happens("d1", contract.ConcludedEvent{State: "succeeded"}),
	}
	w := webhooks.Webhook{ID: "d1", Deployment: "d1", Format: "plain"}
	first, told := newHeadways(), 0
	for i, stored := range happened {
		m := decoded(t, stored)
		want, changed, err := first.tell(t.Context(), w, stored.Seq, m)
		require.NoError(t, err)
		got, again, err := newHeadways().tell(t.Context(), w, stored.Seq, m)
		require.NoError(t, err)
		require.Equal(t, changed, again, i)
		require.Equal(t, string(want.Body), string(got.Body), i)
		require.Equal(t, want.ID, got.ID)
		if changed {
			told++
		}
	}
	require.Equal(t, len(happened)-1, told, "of what changes nothing, nothing is told")
	last := happened[2]
	_, again, err := first.tell(t.Context(), w, last.Seq, decoded(t, last))
	require.NoError(t, err)
	require.True(t, again, "an event that is read once more is told once more, with the same id")
	_, known, err := newHeadways().tell(t.Context(), webhooks.Webhook{Format: "other"}, last.Seq, decoded(t, last))
	require.NoError(t, err)
	require.False(t, known)
}
