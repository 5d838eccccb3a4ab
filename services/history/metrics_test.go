package history_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe/observetest"
)

func TestHowFarDocumentsAreBehindIsSeenAlsoWhileNothingIsFolded(t *testing.T) {
	w := newWorld(t)
	w.seen = observetest.Watch(t)
	cfg := w.config(w.store)
	cfg.Store.SingleWriter = true
	w.start(cfg)
	messages := w.stream(4, 10)
	half := len(messages) / 2
	w.publish(messages[:half])
	w.await(w.last)
	require.Eventually(t, func() bool { return w.seen.Values("fold_events_total")[""] == float64(half) }, deadline, often)
	for _, name := range []string{"fold_behind_events", "fold_lag_seconds"} { // which a broker that is late with its answer does not show
		require.Eventually(t, func() bool { return maps.Equal(map[string]float64{"": 0}, w.seen.Values(name)) }, deadline, often, name)
	}
	require.Equal(t, map[string]float64{"": 1}, w.seen.Values("fold_active"))
	require.Equal(t, map[string]float64{"": 0}, w.seen.Values("fold_set_aside_total"))
	w.answered(contract.QueryHistory, "", contract.GetHistory{})
	require.Eventually(t, func() bool {
		answered := w.seen.Values("queries_total")["answered history"]
		return answered > 0 && w.seen.Values("query_duration_seconds")["history"] >= answered
	}, deadline, often, "answers are counted")

	w.store.Kill()
	w.publish(messages[half:])
	require.Eventually(t, func() bool { return w.seen.Values("fold_behind_events")[""] == float64(len(messages)-half) }, deadline, often)
	var before float64
	require.Eventually(t, func() bool { before = w.seen.Values("fold_lag_seconds")[""]; return before > 0 }, deadline, often)
	require.Eventually(t, func() bool { return w.seen.Values("fold_lag_seconds")[""] > before }, deadline, often, "it grows while nothing happens")
	w.store.Restart()
	require.Eventually(t, func() bool { return maps.Equal(map[string]float64{"": 0}, w.seen.Values("fold_lag_seconds")) }, deadline, often)

	_, err := w.bus.Publish(t.Context(), contract.SystemEventSubject("d1"), "", []byte("no event"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.seen.Values("fold_set_aside_total")[""] == 1 }, deadline, often)
	require.Equal(t, float64(len(messages)), w.seen.Values("fold_events_total")[""])
}
