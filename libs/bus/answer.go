package bus

import (
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Answer sends the answer to a request that micro handed over, from any
// goroutine. The request's own Respond is for its handler alone: micro reads the
// request again when the handler returns.
func Answer(nc *nats.Conn, req micro.Request, data []byte) error {
	return nc.Publish(req.Reply(), data)
}
