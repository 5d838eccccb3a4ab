package rollouts

import (
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/reseal"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// A deployment may wait for longer than the stream remembers its command: the key that it names is not dropped before what
// it keeps is sealed anew.
func TestADeploymentThatWaitsIsSealedAnewBeforeItsKeyIsDropped(t *testing.T) {
	s := newSystem(t)
	older, err := seal.GenerateKey()
	require.NoError(t, err)
	newer, err := seal.GenerateKey()
	require.NoError(t, err)
	keys := seal.KeysOf(newer, older)
	sealed, err := older.Public().Seal(contract.SecretContext("shop", "TOKEN"), []byte("secret"))
	require.NoError(t, err)

	id, later := xid.New().String(), time.Now().Add(time.Hour)
	secret := &contract.Work{Secrets: []contract.Secret{{Name: "TOKEN", Sealed: string(sealed)}}}
	s.commandOf(secret, contract.Envelope{ID: id, Deployment: id}, s.snapshot(servers("a", 1)), contract.Policy{StartAt: &later})
	s.replica()
	s.status(id, deploy.Scheduled)
	require.Equal(t, deploy.Held, s.record(id).Rollout.Phase)
	require.NoError(t, s.bus.Drop(t.Context(), contract.StreamCommands, contract.CommandSubject(contract.VerbDeploy, id)))

	unnamed, err := reseal.Unnamed(t.Context(), s.bus, keys)
	require.NoError(t, err)
	require.Empty(t, unnamed, "the record names it")
	before := s.record(id)
	did, err := reseal.Run(t.Context(), s.bus, keys)
	require.NoError(t, err)
	require.Equal(t, reseal.Result{Resealed: 1}, did)
	unnamed, err = reseal.Unnamed(t.Context(), s.bus, keys)
	require.NoError(t, err)
	require.Equal(t, []string{older.Public().ID()}, unnamed)

	after := s.record(id)
	require.Equal(t, before.Rollout, after.Rollout)
	o, err := readOrder(after.Command)
	require.NoError(t, err)
	clear, err := seal.KeysOf(newer).Open(contract.SecretContext("shop", "TOKEN"), seal.Sealed(o.rollout.Work.Secrets[0].Sealed))
	require.NoError(t, err)
	require.Equal(t, "secret", string(clear))
}
