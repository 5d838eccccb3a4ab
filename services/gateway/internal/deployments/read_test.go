package deployments

import (
	"testing"

	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestAReadWaitsForTheFirstEvent(t *testing.T) {
	d := open(t)
	history, err := micro.AddService(d.bus.Conn(), micro.Config{Name: "history", Version: "0.0.1"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = history.Stop() })
	asked := make(chan uint64, 1)
	err = history.AddEndpoint("deployment", micro.HandlerFunc(func(r micro.Request) {
		m, _ := contract.Decode(r.Data())
		asked <- m.Body.(contract.GetDeployment).MinSeq
		data, _ := contract.Encode(contract.Envelope{}, contract.Deployment{ID: m.Deployment, State: "running"})
		_ = r.Respond(data)
	}), micro.WithEndpointSubject(contract.QueryDeployment))
	require.NoError(t, err)

	o := order(1)
	_, err = d.Deploy(t.Context(), o, contract.Package{Version: "1"})
	require.NoError(t, err)
	read := make(chan contract.Deployment)
	go func() {
		got, err := d.Get(t.Context(), o.ID)
		if err != nil {
			t.Error(err)
		}
		read <- got
	}()
	seq, err := d.bus.Publish(t.Context(), contract.SystemEventSubject(o.ID), o.ID, []byte("{}"))
	require.NoError(t, err)
	require.Equal(t, "running", (<-read).State)
	require.Equal(t, seq, <-asked, "history must have seen it")
}
