// Package chain stores the audit log (package audit) in the stream AUDIT.
//
// Any number of programs write one chain. Each links what it stores to the end as it knows it, and stores it as one
// message, if the stream still ends there. If not, another was first: it reads what that one stored, links anew, and tries
// again. So entries of one message are stored together or not at all, an entry is stored once, and a program that dies at
// any moment leaves a chain that is whole.
package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// ErrBroken says that the end of the chain cannot be read: nothing can follow from it.
var ErrBroken = errors.New("the end of the audit log cannot be read")

// Subject is where all entries go.
const Subject = contract.AuditLog

// Chain is the chain as one writer knows it. It is for one goroutine at a time.
type Chain struct {
	bus     *bus.Bus
	message uint64 // sequence in the stream of the one that ends it; 0: there is none
	head    audit.Head
	stale   bool // another writer has stored something since
}

// Open reads the end of the chain. It fails with ErrBroken, or with that of reading.
func Open(ctx context.Context, b *bus.Bus) (*Chain, error) {
	c := &Chain{bus: b}
	return c, c.readEnd(ctx)
}

// Append stores as one message what link makes of the end of the chain, wherever that comes to be: lines, and the head
// that the log then has. link may be called several times.
func (c *Chain) Append(ctx context.Context, link func(audit.Head) ([]byte, audit.Head, error)) error {
	for {
		if c.stale {
			if err := c.readEnd(ctx); err != nil {
				return err
			}
		}
		data, head, err := link(c.head)
		if err != nil {
			return err
		}
		id := xid.New().String()
		// Whether it is stored is not known after an error, but for a conflict, unless it is looked for.
		seq, err := c.bus.Append(ctx, contract.StreamAudit, Subject, c.message, id, data)
		if errors.Is(err, bus.ErrConflict) {
			seq, err = c.storedAfter(ctx, c.message, id)
		}
		if err != nil {
			return err
		}
		if seq == 0 { // another writer was first
			c.stale = true
			continue
		}
		c.message, c.head = seq, head
		return nil
	}
}

// storedAfter returns the sequence of the message that follows this one if it has the id, or 0: an earlier try of it had
// been stored, and others have followed.
func (c *Chain) storedAfter(ctx context.Context, message uint64, id string) (uint64, error) {
	next, err := c.bus.Next(ctx, contract.StreamAudit, Subject, message)
	switch {
	case errors.Is(err, bus.ErrNone):
		return 0, nil
	case err != nil:
		return 0, err
	case next.ID == id:
		return next.Seq, nil
	}
	return 0, nil
}

// readEnd reads the end of the chain.
func (c *Chain) readEnd(ctx context.Context) error {
	last, err := c.bus.Last(ctx, contract.StreamAudit, Subject)
	switch {
	case errors.Is(err, bus.ErrNone):
		c.message, c.head = 0, audit.Genesis()
	case err != nil:
		return fmt.Errorf("read the end of the audit log: %w", err)
	default:
		all := Lines(last.Data)
		var e audit.Entry
		if len(all) == 0 || json.Unmarshal(all[len(all)-1], &e) != nil || e.Seq == 0 || e.Hash == "" {
			return fmt.Errorf("%w: message %d", ErrBroken, last.Seq)
		}
		c.message, c.head = last.Seq, audit.Head{Seq: e.Seq, Hash: e.Hash}
	}
	c.stale = false
	return nil
}

// Lines are the entries of a message.
func Lines(data []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
}
