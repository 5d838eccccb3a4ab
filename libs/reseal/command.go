package reseal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/audit/chain"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// Client is how connections for this are named at the broker.
const Client = "slipway-reseal"

// Command is Run as a program of its own, that says what came of it.
type Command struct {
	NATS bus.Config
	Keys seal.Keys
	Out  io.Writer
	Log  zerolog.Logger
	// Settle is how long services may have at hand what names an older key, after it was
	// sealed anew; 0: a minute.
	Settle time.Duration
}

// settle is for what services read before: schedulers have targets for 10 s, and what they
// are about to send is on its way a little longer.
const settle = time.Minute

// Run ends by itself. It may run beside everything else, and be cut off at any time:
// then it is to be run again.
func (c Command) Run(ctx context.Context, _ func()) error {
	return bus.Visit(ctx, c.NATS, Client, c.Log, nil, func(b *bus.Bus) error {
		var did Result
		err := Record(ctx, b, c.Keys, func(ctx context.Context) (err error) {
			if did, err = Run(ctx, b, c.Keys); err == nil {
				did, err = c.lookAgain(ctx, b, did)
			}
			return err
		})
		if err != nil {
			return err
		}
		return Tell(ctx, b, c.Keys, did, c.Out)
	})
}

// Record has the audit log say, before and after, that what rests is sealed to the newest of these keys.
func Record(ctx context.Context, b *bus.Bus, keys seal.Keys, do func(context.Context) error) error {
	newest := keys.Public().ID()
	return chain.Record(ctx, b, audit.Entry{Action: "keys.reseal", Object: &audit.Object{Kind: "key", ID: newest}}, do)
}

// lookAgain is a second Run where nothing names one of the keys any more, once what services
// have at hand has come to rest: if it does.
func (c Command) lookAgain(ctx context.Context, b *bus.Bus, did Result) (Result, error) {
	unnamed, err := Unnamed(ctx, b, c.Keys)
	if err != nil || len(unnamed) == 0 {
		return did, err
	}
	wait := cmp.Or(c.Settle, settle)
	fmt.Fprintf(c.Out, "nothing that is stored names %s: it is looked at again in %s, since services may\n", strings.Join(unnamed, ", "), wait)
	select {
	case <-ctx.Done():
		return did, ctx.Err()
	case <-time.After(wait):
	}
	again, err := Run(ctx, b, c.Keys)
	did.Late, did.Unopened = again.Resealed, again.Unopened
	did.Resealed += again.Resealed
	return did, err
}

// Tell says what came of a Run, and what names each of the keys still. That one can be dropped
// it says where nothing names it, and nothing did lately that services may have at hand.
func Tell(ctx context.Context, b *bus.Bus, keys seal.Keys, did Result, out io.Writer) error {
	named, err := Named(ctx, b)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d secrets were sealed anew\n", did.Resealed)
	if did.Unopened > 0 {
		fmt.Fprintf(out, "%d are damaged and stay as they are: enter them again\n", did.Unopened)
	}
	for i, id := range keys.IDs() {
		n := named[id]
		switch {
		case i == 0:
			fmt.Fprintf(out, "key %s: the newest; names it: %s\n", id, n)
		case n == Names{} && did.Late > 0:
			fmt.Fprintf(out, "key %s: to be kept; nothing names it, but something did a moment ago: run this again\n", id)
		case n == Names{}:
			fmt.Fprintf(out, "key %s: nothing names it any more, it can be dropped\n", id)
		default:
			fmt.Fprintf(out, "key %s: to be kept; names it: %s\n", id, n)
		}
		delete(named, id)
	}
	for _, id := range slices.Sorted(maps.Keys(named)) {
		fmt.Fprintf(out, "key %s: of another file, or lost; names it: %s\n", id, named[id])
	}
	return nil
}

// String says it in words.
func (n Names) String() string {
	return fmt.Sprintf("%d at rest, %d in commands and jobs", n.Resting, n.Passing)
}

// Unnamed returns which of the older keys nothing names.
func Unnamed(ctx context.Context, b *bus.Bus, keys seal.Keys) ([]string, error) {
	named, err := Named(ctx, b)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i, id := range keys.IDs() {
		if i > 0 && named[id] == (Names{}) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
