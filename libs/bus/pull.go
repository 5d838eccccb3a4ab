package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// pull asks a consumer for up to n of the messages that are there, and gives each to take
// until the broker says that there are no more, or take fails. The client's own FetchNoWait
// ends after a second of silence as well, as if there were none.
func (b *Bus) pull(ctx context.Context, from jetstream.Consumer, n int, take func(*nats.Msg, *nats.MsgMetadata) error) error {
	info := from.CachedInfo()
	inbox := b.nc.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only if the connection is gone already
	// Whoever takes slowly loses none.
	if err := sub.SetPendingLimits(n+1, -1); err != nil {
		return err
	}
	request := fmt.Appendf(nil, `{"batch": %d, "no_wait": true}`, n)
	if err := b.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+info.Stream+"."+info.Name, inbox, request); err != nil {
		return err
	}
	for got := 0; got < n; {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		switch status := msg.Header.Get("Status"); {
		case len(msg.Data) > 0 || status == "":
			meta, err := msg.Metadata()
			if err != nil {
				continue // it is from nobody who delivers
			}
			got++
			if err := take(msg, meta); err != nil {
				return err
			}
		case status == statusNone, status == statusTimeout:
			return nil
		case status == statusNobody:
			return nats.ErrNoResponders
		default:
			return fmt.Errorf("%w: %s %s", errRefused, status, msg.Header.Get("Description"))
		}
	}
	return nil
}

// What the broker says where there are no more messages, and where nobody is there to say it.
const (
	statusNone    = "404"
	statusTimeout = "408"
	statusNobody  = "503"
)
