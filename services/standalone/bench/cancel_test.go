//go:build bench

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const cancelJobs = 1000

// TestCancel cancels a deployment whose 1,000 jobs are all stored and none of
// which has begun, and measures from the request to the end of the deployment.
// The baseline is the bare compare-and-sets that decide it: the first message on
// each of 1,000 subjects.
func TestCancel(t *testing.T) {
	wanted(t, "cancel")
	i := startInstallation(t)
	servers := i.addSimulated(cancelJobs)
	i.upload("cancel", "1", "cancel.bin", []byte("a package of one file"))
	_, err := i.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.>"}})
	require.NoError(t, err)
	compare(t, map[string]string{"cancel.1000": "ms"},
		func(int) measurement {
			d := i.order(map[string]any{
				"application": "cancel", "version": "1", "servers": servers,
				"strategy": map[string]any{"type": "all", "max_parallel": cancelJobs},
			})
			i.awaitJobs(cancelJobs)
			began := time.Now()
			i.call("POST", "/v1/deployments/"+d.ID+"/cancel", nil, nil)
			require.Equal(t, "cancelled", i.await(d).State)
			took := time.Since(began)
			i.scale(1, fleetSlots, 0) // to clear away the jobs, each of which it finds ended
			i.awaitJobs(0)
			i.scale(0, 0, 0)
			return measurement{"cancel.1000": milliseconds(took)}
		},
		func(round int) measurement {
			began := time.Now()
			require.NoError(t, atOnce(cancelJobs, func(n int) error {
				_, err := i.js.Publish(t.Context(), fmt.Sprintf("bare.%d.%d", round, n), []byte("cancelled"), jetstream.WithExpectLastSequencePerSubject(0))
				return err
			}))
			return measurement{"cancel.1000": milliseconds(time.Since(began))}
		})
}

// awaitJobs waits until so many jobs are stored.
func (i *installation) awaitJobs(count uint64) {
	i.t.Helper()
	jobs, err := i.js.Stream(i.t.Context(), contract.StreamJobs)
	require.NoError(i.t, err)
	var stored uint64
	eventually(i.t, func() bool {
		info, err := jobs.Info(i.t.Context())
		require.NoError(i.t, err)
		stored = info.State.Msgs
		return stored == count
	}, func() string { return fmt.Sprintf("%d jobs are stored instead of %d", stored, count) })
}
