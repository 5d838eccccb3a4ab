package hosts

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestWhatIsOneNetwork(t *testing.T) {
	at := func(address string) string {
		return networkOf(t.Context(), []contract.Hop{{Address: address}})
	}
	require.Equal(t, "192.0.2.0/24", at("192.0.2.7"))
	require.Equal(t, at("192.0.2.7"), at("192.0.2.250"))
	require.Equal(t, at("192.0.2.7"), at("::ffff:192.0.2.7"))
	require.NotEqual(t, at("192.0.2.7"), at("192.0.3.7"))
	require.Equal(t, "2001:db8:0:1::/64", at("2001:db8:0:1::7"))
	require.Equal(t, "fe80::/64", at("fe80::1%eth0"))
	require.Contains(t, []string{"127.0.0.0/24", "::/64"}, at("localhost"), "names are looked up")
	require.Equal(t, "no-such.invalid", at("no-such.invalid"))

	edge, other := contract.Hop{Address: "192.0.2.1"}, contract.Hop{Address: "192.0.2.2"}
	behind := func(jump contract.Hop, address string) string {
		return networkOf(t.Context(), []contract.Hop{jump, {Address: address}})
	}
	require.Equal(t, behind(edge, "10.0.0.1"), behind(edge, "10.9.0.1"), "what lies behind a jump host is one")
	require.NotEqual(t, behind(edge, "10.0.0.1"), behind(other, "10.0.0.1"))
	require.NotEqual(t, at("10.0.0.1"), behind(edge, "10.0.0.1"))
}

func TestAGateLetsSoManyPassAndIsGoneAfterTheLast(t *testing.T) {
	g := gates{size: 2}
	first, err := g.enter(t.Context(), "a")
	require.NoError(t, err)
	second, err := g.enter(t.Context(), "a")
	require.NoError(t, err)
	other, err := g.enter(t.Context(), "b")
	require.NoError(t, err, "another name is another gate")

	why := context.DeadlineExceeded
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err = g.enter(ctx, "a")
	require.ErrorIs(t, err, why)

	passed := make(chan func())
	go func() {
		third, _ := g.enter(context.Background(), "a")
		passed <- third
	}()
	first()
	third := <-passed
	second()
	third()
	other()
	require.Empty(t, g.byName)
}
