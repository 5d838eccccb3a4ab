package bus

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrConflict says that another writer was first: read again and decide anew.
	ErrConflict = errors.New("another writer was first")
	// ErrOccupied says that a job for the host is stored already.
	ErrOccupied = errors.New("a job for this host is stored already")
	// ErrNone says that nothing is stored under the subject or key.
	ErrNone = errors.New("nothing is stored there")
	// ErrUnavailable says that the broker did not answer in time, or has no
	// quorum. The message may or may not be stored.
	ErrUnavailable = errors.New("the message broker does not answer")
	// ErrLeaseLost ends the context of work whose heartbeat was not confirmed in
	// time: another worker may have it now. Stop, and neither ack nor nak.
	ErrLeaseLost = errors.New("the lease on the work was lost")
	// errNotConnected says why nothing that needs the broker works.
	errNotConnected = errors.New("there is no connection to the message broker")
	// errRefused says that the broker has no messages for who asks, for a reason.
	errRefused = errors.New("the broker refuses to send messages")
)

// JetStream error codes that nats.go has no names for.
const (
	codeMaxPerSubject      jetstream.ErrorCode = 10077 // store failed, among others: maximum messages per subject
	codeInsufficient       jetstream.ErrorCode = 10023
	codeNotLeader          jetstream.ErrorCode = 10009
	codeClusterUnavailable jetstream.ErrorCode = 10008
)

// classify turns what nats.go returns into the errors of this package; others
// pass as they are.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return errors.Join(ErrConflict, err)
		case jetstream.JSErrCodeMessageNotFound:
			return errors.Join(ErrNone, err)
		case codeInsufficient, codeNotLeader, codeClusterUnavailable, jetstream.JSErrCodeJetStreamNotEnabled:
			return errors.Join(ErrUnavailable, err)
		}
		return err
	}
	for _, gone := range []error{
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, jetstream.ErrNoStreamResponse,
		context.DeadlineExceeded, context.Canceled, // nobody waited for the answer
	} {
		if errors.Is(err, gone) {
			return errors.Join(ErrUnavailable, err)
		}
	}
	// A message larger than the client buffers is written at once, so that a
	// connection that breaks then shows as it is.
	var network *net.OpError
	if errors.As(err, &network) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) {
		return errors.Join(ErrUnavailable, err)
	}
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted):
		return errors.Join(ErrNone, err)
	case errors.Is(err, jetstream.ErrKeyExists):
		return errors.Join(ErrConflict, err)
	}
	return err
}
