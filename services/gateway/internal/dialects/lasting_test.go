package dialects

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatLastsOutlastsItsClientForATimeAndNeverTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, stop := context.WithCancel(t.Context())
		client, hangUp := context.WithCancel(Within(server))
		lasting, cancel := Lasting(client)
		defer cancel()
		<-time.After(24 * time.Hour)
		require.NoError(t, lasting.Err(), "the client is there")
		hangUp()
		<-time.After(outlasts - time.Nanosecond)
		require.NoError(t, lasting.Err())
		<-time.After(time.Nanosecond)
		synctest.Wait()
		require.Error(t, lasting.Err())

		client, hangUp = context.WithCancel(Within(server))
		defer hangUp()
		lasting, cancel = Lasting(client)
		defer cancel()
		stop()
		synctest.Wait()
		require.Error(t, lasting.Err())
	})
}
