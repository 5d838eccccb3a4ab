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
	// Whoever takes slowly loses none. SubscribeSync would make room for 65,536 messages each
	// time, which is half a MiB.
	msgs := make(chan *nats.Msg, n+1)
	sub, err := b.nc.ChanSubscribe(inbox, msgs)
	if err != nil {
		return err
	}
	gone, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	sub.SetClosedHandler(func(string) { leave() }) // maybe more than once
	defer func() { _ = sub.Unsubscribe() }()       // fails only if the connection is gone already
	request := fmt.Appendf(nil, `{"batch": %d, "no_wait": true}`, n)
	if err := b.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+info.Stream+"."+info.Name, inbox, request); err != nil {
		return err
	}
	for got := 0; got < n; {
		var msg *nats.Msg
		select {
		case msg = <-msgs:
		case <-gone.Done():
			return nats.ErrConnectionClosed
		case <-ctx.Done():
			return ctx.Err()
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
