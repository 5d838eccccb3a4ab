package webhooks

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// As many as may wait for a receiver, and die with it; a stream keeps 1,000 of each subject.
func TestTwentyThousandDeadDeliveriesAreSpreadSoThatAllAreKept(t *testing.T) {
	for _, id := range []string{"d4c1hk3q5s7c73e1o8a0-%d", "d4c1hk3q5s7c73e1o8a0-%d00", "%d-4711"} {
		of := map[string]int{}
		for n := range 20_000 {
			subject := Delivery{ID: fmt.Sprintf(id, n), Webhook: "w1", State: Dead}.subject()
			of[subject]++
			require.LessOrEqual(t, of[subject], 1000)
		}
	}
}
