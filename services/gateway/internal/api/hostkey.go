package api

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

// RecordHostKey answers an executor that met a host for the first time with the
// key that counts from now on (contract.RecordHostKeys).
func (a *API) RecordHostKey(ctx context.Context, nc *nats.Conn, req micro.Request) {
	data, err := contract.Encode(contract.Envelope{}, a.recordHostKey(ctx, req.Data()))
	if err == nil {
		err = bus.Answer(nc, req, data)
	}
	if err != nil {
		a.Log.Warn().Err(err).Msg("an executor did not get its answer about a host key")
	}
}

func (a *API) recordHostKey(ctx context.Context, data []byte) contract.Body {
	m, err := contract.Decode(data)
	if err != nil {
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	}
	asked, ok := m.Body.(contract.RecordHostKey)
	if !ok {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "this takes a " + string(contract.TypeRecordHostKey)}
	}
	offered, wrong := inventory.ParseHostKey(asked.Key)
	if wrong != "" {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "the key " + wrong}
	}
	ctx, cancel := context.WithTimeout(ctx, a.Limits.Broker)
	defer cancel()
	key, err := a.Servers.RecordHostKey(ctx, m.Host, offered)
	switch {
	case err == nil:
		return contract.HostKey{Key: key}
	case errors.Is(err, inventory.ErrNotFound):
		return contract.Refused{Code: contract.RefusedNotFound, Message: err.Error()}
	case errors.Is(err, inventory.ErrNoKey):
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	}
	a.Log.Warn().Err(err).Str("server", m.Host).Msg("a host key cannot be recorded now")
	return contract.Refused{Code: contract.RefusedUnavailable, Message: "the inventory cannot be written now"}
}
