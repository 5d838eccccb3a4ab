package api

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/auditlog"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

// RecordHostKey answers an executor that met a host for the first time with the
// key that counts from now on (contract.RecordHostKeys).
func (a *API) RecordHostKey(ctx context.Context, q bus.Request) {
	if err := q.Reply(contract.Envelope{}, a.recordHostKey(ctx, q.Data)); err != nil {
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
	e := audit.Entry{
		Action: "servers.record_key", Actor: &audit.Actor{ID: executors, Name: executors}, Object: &audit.Object{Kind: "server", ID: audit.Text(m.Host)},
		Time: time.Now().UTC().Truncate(time.Millisecond),
	}
	var ticket *auditlog.Ticket
	key, err := a.Servers.RecordHostKey(ctx, m.Host, offered, func() error {
		if ticket == nil {
			ticket = a.Audit.Ask(e)
		}
		return a.Audit.Wait(ctx, ticket)
	})
	if ticket != nil {
		a.tellRecorded(e, ticket, err == nil && key == offered, err)
	}
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

// executors are who records the keys of hosts, as the audit log knows them.
const executors = "slipway-executor"

// tellRecorded has the audit log say whether the key of a first contact was stored.
func (a *API) tellRecorded(e audit.Entry, ticket *auditlog.Ticket, stored bool, err error) {
	switch {
	case stored:
		e.Outcome = audit.Accepted
	case err == nil: // another was first
		e.Outcome = audit.Refused
	default:
		e.Outcome = audit.Failed
	}
	a.Audit.Tell(e, ticket)
}
