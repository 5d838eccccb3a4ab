package live

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a topic says that it covers, it has: every event that came after, and of the newest as many as it is to keep.
func TestATopicHasAllThatItSaysItCovers(t *testing.T) {
	const keep = 3
	for _, floor := range []uint64{0, 10} { // of one deployment, and of all from some event on
		topic := &topic{hub: &Hub{set: Settings{Keep: keep}}, began: true, floor: floor, changed: make(chan struct{})}
		came := []uint64{floor}
		for n := range uint64(20) {
			topic.add(&Event{Seq: floor + 2*n + 1})
			came = append(came, floor+2*n+1)
			require.Equal(t, came[len(came)-1], topic.last())
			for at, after := range came {
				events, changed, covered, err := topic.since(after)
				require.NoError(t, err)
				require.Equal(t, covered, topic.covers(after))
				if !covered {
					require.Greater(t, len(came)-1-at, keep, "the newest are kept, so what comes after %d is", after)
					continue
				}
				var seqs []uint64
				for _, e := range events {
					seqs = append(seqs, e.Seq)
				}
				require.Equal(t, append([]uint64(nil), came[at+1:]...), seqs, "after %d", after)
				require.Equal(t, len(seqs) == 0, changed != nil, "who has all is told what to wait for")
			}
			_, _, covered, _ := topic.since(came[0])
			require.Equal(t, len(came)-1 <= 2*keep, covered, "of older ones no more than as many again are held")
		}
	}
}
