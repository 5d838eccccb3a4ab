package packages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	chunkSize     = 256 << 10        // bytes in one message
	chunkTimeout  = 15 * time.Second // for the broker to store a chunk; a restart of it fits in
	removeTimeout = 5 * time.Second
	briefly       = 3 * time.Second // for one request to the broker

	storeName = contract.ObjectsPackages
	chunks    = "$O." + storeName + ".C." // subject of chunks, before the id
	metas     = "$O." + storeName + ".M." // subject of an object's description, before the encoded name
)

// content is the object store with what is in the packages, by id.
type content struct {
	bus     *bus.Bus
	objects jetstream.ObjectStore
	stream  jetstream.Stream // behind the store
	log     zerolog.Logger
}

func openContent(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*content, error) {
	objects, err := b.JetStream().ObjectStore(ctx, storeName)
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", storeName, err)
	}
	stream, err := b.JetStream().Stream(ctx, "OBJ_"+storeName)
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", storeName, err)
	}
	return &content{b, objects, stream, log}, nil
}

// put stores the content under the id, all of it or nothing. It writes the
// store's own format (NATS ADR-20) rather than calling its Put: that keeps up to
// 4,000 chunks in flight, which is half a gigabyte of memory where the disk is
// slow, gives up when the broker restarts, and clears up with a context that has
// ended when the client went away. Here one chunk is in flight.
func (c *content) put(ctx context.Context, id string, in *incoming) error {
	ctx = context.WithoutCancel(ctx) // when the client goes, reading fails, and that ends this
	n, err := c.putChunks(ctx, id, in)
	if err == nil {
		err = c.complete(ctx, id, n, in)
	}
	if err != nil {
		c.remove(ctx, id)
	}
	return err
}

func (c *content) putChunks(ctx context.Context, id string, in io.Reader) (n uint64, err error) {
	size := min(chunkSize, int(c.bus.Conn().MaxPayload()/2))
	chunk := make([]byte, max(size, headLength))
	for {
		read, readErr := in.Read(chunk)
		if readErr != nil && readErr != io.EOF {
			return n, readErr
		}
		if read > 0 {
			if err := c.publish(ctx, fmt.Sprintf("%s.%d", id, n), chunks+id, chunk[:read]); err != nil {
				return n, err
			}
			n++
		}
		if readErr == io.EOF {
			return n, nil
		}
	}
}

func (c *content) publish(ctx context.Context, msgID, subject string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	_, err := c.bus.Publish(ctx, subject, msgID, data)
	return err
}

// complete publishes the description of an object, which makes it exist.
func (c *content) complete(ctx context.Context, id string, sent uint64, in *incoming) error {
	ctx, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	// A chunk that was sent again after a restart of the broker is recognised by
	// its message id. Should it ever not be, it is found here, and not on a host.
	info, err := c.stream.Info(ctx, jetstream.WithSubjectFilter(chunks+id))
	if err != nil {
		return errors.Join(bus.ErrUnavailable, err)
	}
	if stored := info.State.Subjects[chunks+id]; stored != sent {
		return fmt.Errorf("%w: %d chunks are stored of %d that were sent", bus.ErrUnavailable, stored, sent)
	}
	data, err := json.Marshal(jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: id, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunkSize}},
		Bucket:     storeName, NUID: id, Size: uint64(in.size), Chunks: uint32(sent),
		Digest: jetstream.GetObjectDigestValue(in.hash),
	})
	if err != nil {
		return err
	}
	msg := nats.NewMsg(metas + base64.URLEncoding.EncodeToString([]byte(id)))
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	msg.Data = data
	if _, err := c.bus.JetStream().PublishMsg(ctx, msg); err != nil {
		return errors.Join(bus.ErrUnavailable, err)
	}
	return nil
}

// remove removes the content; what cannot be removed now is left to the sweep.
func (c *content) remove(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := c.objects.Delete(ctx, id)
	if errors.Is(err, jetstream.ErrObjectNotFound) { // it never came to be complete
		err = c.stream.Purge(ctx, jetstream.WithPurgeSubject(chunks+id))
	}
	if err != nil {
		c.log.Warn().Err(err).Str("package", id).Msg("content of a package cannot be removed now; it will be swept")
	}
}
