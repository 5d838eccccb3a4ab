package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// TestAURIDoesNotSayHowSureReadsAndWritesAre is about settings that others have reasons for:
// a member that lags behind would answer with less than was written.
func TestAURIDoesNotSayHowSureReadsAndWritesAre(t *testing.T) {
	for _, singleWriter := range []bool{true, false} {
		for _, settings := range []string{"", "?readPreference=secondaryPreferred&maxStalenessSeconds=90&w=1", "?readPreference=nearest&w=0"} {
			opts := clientOptions(Config{URI: "mongodb://a.example.com,b.example.com/" + settings, SingleWriter: singleWriter})
			require.NoError(t, opts.Validate())
			require.Equal(t, readpref.Primary(), opts.ReadPreference, settings)
			if !singleWriter {
				require.Equal(t, writeconcern.Majority(), opts.WriteConcern, settings)
			}
		}
	}
}
