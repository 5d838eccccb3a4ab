package bus_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestRequestsAreAnsweredBesideEachOtherUntilTheServerStops(t *testing.T) {
	_, b := start(t)
	asked, ended := make(chan struct{}), make(chan struct{})
	replica, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-test", Description: "for a test"},
		bus.Endpoint{Name: "slow", Subject: "slow", Answer: func(ctx context.Context, _ bus.Request) {
			close(asked)
			<-ctx.Done()
			close(ended)
		}},
		bus.Endpoint{Name: "echo", Subject: "echo", Answer: func(_ context.Context, r bus.Request) {
			if err := r.Reply(contract.Envelope{Deployment: "d"}, contract.Refused{Message: string(r.Data)}); err != nil {
				t.Error(err)
			}
		}})
	require.NoError(t, err)
	require.NoError(t, b.Conn().Publish("slow", nil))
	receive(t, asked, "the slow one is asked")
	got, err := b.Conn().Request("echo", []byte("hello"), patience)
	require.NoError(t, err, "one does not wait for the other")
	m, err := contract.Decode(got.Data)
	require.NoError(t, err)
	require.Equal(t, contract.Refused{Message: "hello"}, m.Body)
	require.Equal(t, "d", m.Deployment)

	replica.Stop()
	select {
	case <-ended:
	default:
		t.Error("an answer under way was not waited for")
	}
	_, err = b.Conn().Request("echo", nil, patience)
	require.ErrorIs(t, err, nats.ErrNoResponders)
}

func TestAServiceWithAWrongEndpointLeavesNothingBehind(t *testing.T) {
	_, b := start(t)
	nothing := func(context.Context, bus.Request) {}
	_, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-test", Description: "for a test"},
		bus.Endpoint{Name: "good", Subject: "good", Answer: nothing}, bus.Endpoint{Name: "bad", Subject: "not a subject", Answer: nothing})
	require.ErrorContains(t, err, "not a subject")
	_, err = b.Conn().Request("good", nil, patience)
	require.ErrorIs(t, err, nats.ErrNoResponders)
}
