package broker

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// The texts are nats-server's (jetstream.go, stream.go, filestore.go), as a full disk brings them forth.
func TestJetStreamThatGivesUpWritingIsAFailure(t *testing.T) {
	for _, text := range []string{
		"Filestore [EV] Critical write error: write /data/1.blk: no space left on device",
		"JetStream stream '$G > EV' critical write error: write /data/1.blk: no space left on device",
		"JetStream out of File resources, will be DISABLED",
		"JetStream out of space, will be DISABLED",
		"File system permission denied while writing, disabling JetStream",
	} {
		log := newServerLog(zerolog.Nop(), "/data")
		log.Errorf("something else")
		require.Empty(t, log.fatal)
		log.Errorf("%s", text)
		log.Errorf("%s", text)
		err := <-log.fatal
		require.ErrorIs(t, err, ErrWrite)
		require.ErrorContains(t, err, `"/data"`)
		require.ErrorContains(t, err, "free space on its disk")
	}
}
