package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATimeCanBeWrittenInUTC(t *testing.T) {
	at, wrong := Time("2026-03-01T12:00:00+01:00")
	require.Empty(t, wrong)
	require.Equal(t, time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC), at)
	for _, fine := range []string{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0000-12-31T23:59:59-00:01", "9999-12-31T23:59:59+23:00"} {
		at, wrong := Time(fine)
		require.Empty(t, wrong, fine)
		_, err := at.MarshalJSON()
		require.NoError(t, err, fine)
	}
	for _, bad := range []string{"", "today", "2026-03-01", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "0000-06-01T00:00:00Z"} {
		_, wrong := Time(bad)
		require.NotEmpty(t, wrong, bad)
	}
}
