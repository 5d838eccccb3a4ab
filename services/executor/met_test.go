package executor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatWasMetOnHostsIsNoted(t *testing.T) {
	var m met
	require.Empty(t, m.notes())
	m.runtime("uv")
	at, err := time.Parse(time.RFC3339, m.notes()["runtime.uv"])
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Hour)
}
