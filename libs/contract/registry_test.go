package contract_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestDecodeTellsUnknownFromMalformed(t *testing.T) {
	cases := []struct {
		name, raw string
		want      error
	}{
		{"another type", `{"v":1,"id":"a","type":"slipway.v1.ev.job.paused","time":"2026-01-01T00:00:00Z","data":{}}`, contract.ErrUnknownType},
		{"no type", `{"v":1,"data":{}}`, contract.ErrUnknownType},
		{"a later version", `{"v":2,"type":"slipway.v1.ev.deployment.wave","data":{}}`, contract.ErrUnknownType},
		{"no version", `{"type":"slipway.v1.ev.deployment.wave","data":{}}`, contract.ErrUnknownType},
		{"a later version in the type", `{"v":1,"type":"slipway.v2.ev.deployment.wave","data":{}}`, contract.ErrUnknownType},
		{"an unknown type with a body of any form", `{"v":1,"type":"x","data":[1]}`, contract.ErrUnknownType},
		{"nothing", ``, contract.ErrMalformed},
		{"no JSON", `deploy it`, contract.ErrMalformed},
		{"no object", `[]`, contract.ErrMalformed},
		{"cut short", `{"v":1,"type":"slipway.v1.ev.deployment.wave","data":{`, contract.ErrMalformed},
		{"two messages", `{"v":1,"type":"slipway.v1.ev.deployment.wave","data":{}}{}`, contract.ErrMalformed},
		{"no body", `{"v":1,"type":"slipway.v1.ev.deployment.wave"}`, contract.ErrMalformed},
		{"a body that is null", `{"v":1,"type":"slipway.v1.ev.job.started","data":null}`, contract.ErrMalformed},
		{"a body of another form", `{"v":1,"type":"slipway.v1.ev.job.started","data":{"executor":7}}`, contract.ErrMalformed},
		{"a time that is none", `{"v":1,"type":"slipway.v1.ev.deployment.wave","time":"now","data":{}}`, contract.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := contract.Decode([]byte(c.raw))
			require.ErrorIs(t, err, c.want)
			require.Nil(t, m.Body)
			for _, other := range []error{contract.ErrUnknownType, contract.ErrMalformed} {
				if other != c.want { //nolint:errorlint // the sentinels themselves are compared
					require.NotErrorIs(t, err, other)
				}
			}
		})
	}
}

func TestEncodeFillsInWhatTheEnvelopeLeavesOpen(t *testing.T) {
	before := time.Now().Add(-time.Second)
	raw, err := contract.Encode(contract.Envelope{V: 7, Type: "other", Data: json.RawMessage("1"), Deployment: "d1"}, contract.ConcludedEvent{State: "failed"})
	require.NoError(t, err)
	m, err := contract.Decode(raw)
	require.NoError(t, err)
	require.Equal(t, contract.Version, m.V)
	require.Equal(t, contract.TypeConcluded, m.Type)
	require.Equal(t, contract.ConcludedEvent{State: "failed"}, m.Body)
	require.Equal(t, "d1", m.Deployment)
	require.Nil(t, m.Data)
	require.Regexp(t, `^[0-9a-v]{20}$`, m.ID)
	require.Equal(t, time.UTC, m.Time.Location())
	require.WithinRange(t, m.Time, before, time.Now().Add(time.Second))

	other, err := contract.Encode(contract.Envelope{}, contract.WaveEvent{})
	require.NoError(t, err)
	second, err := contract.Decode(other)
	require.NoError(t, err)
	require.NotEqual(t, m.ID, second.ID)
}

func TestEncodeKeepsIDAndTimeSoThatARepeatIsTheSame(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	e := contract.Envelope{ID: "d1.sys.0", Time: at}
	first, err := contract.Encode(e, contract.WaveEvent{})
	require.NoError(t, err)
	again, err := contract.Encode(e, contract.WaveEvent{})
	require.NoError(t, err)
	require.Equal(t, string(first), string(again))
	m, err := contract.Decode(first)
	require.NoError(t, err)
	require.Equal(t, "d1.sys.0", m.ID)
	require.Equal(t, at, m.Time)
}
