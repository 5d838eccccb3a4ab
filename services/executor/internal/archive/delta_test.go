package archive

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// assemble does what a host does with segments.
func assemble(old, fresh []byte, segments []Segment) []byte {
	var out []byte
	for _, s := range segments {
		if s.Copy {
			out = append(out, old[s.Offset:s.Offset+s.Length]...)
		} else {
			out = append(out, fresh[len(out):int64(len(out))+s.Length]...)
		}
	}
	return out
}

func difference(t require.TestingT, old, fresh []byte) []Segment {
	s, err := sign(bytes.NewReader(old), int64(len(old)))
	require.NoError(t, err)
	segments, err := s.diff(bytes.NewReader(fresh))
	require.NoError(t, err)
	require.True(t, bytes.Equal(fresh, assemble(old, fresh, segments)))
	return segments
}

func TestADeltaFindsWhatMoved(t *testing.T) {
	old := noiseOf(3<<20, 1)
	insert := noiseOf(1000, 2)
	fresh := slices.Concat(old[:1<<20], insert, old[1<<20:2<<20], old[2<<20+77:])
	segments := difference(t, old, fresh)
	require.Less(t, literal(segments), int64(5*minBlock))
	require.Less(t, len(segments), 10)

	require.Equal(t, []Segment{{Copy: true, Length: 3 << 20}}, difference(t, old, old))
	require.Equal(t, []Segment{{Length: 1 << 20}}, difference(t, old, noiseOf(1<<20, 3)))
	require.Empty(t, difference(t, old, nil))
	require.Len(t, difference(t, make([]byte, 8<<20), make([]byte, 8<<20)), 1, "what repeats itself is copied in one piece")
}

func TestADeltaHasFewSegments(t *testing.T) {
	old := noiseOf(8<<20, 1)
	fresh := bytes.Clone(old)
	for at := 0; at < len(fresh); at += 10_000 {
		fresh[at] ^= 1
	}
	segments := difference(t, old, fresh)
	copies := 0
	for _, s := range segments {
		if s.Copy {
			copies++
		}
	}
	require.LessOrEqual(t, copies, maxSegments)
}

func TestADeltaIsWhatItIsMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := noiseOf(rapid.IntRange(0, 20*minBlock).Draw(t, "size"), 1)
		var fresh []byte
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			from := rapid.IntRange(0, len(old)).Draw(t, "from")
			to := rapid.IntRange(from, len(old)).Draw(t, "to")
			fresh = append(fresh, old[from:to]...)
			fresh = append(fresh, make([]byte, rapid.IntRange(0, minBlock).Draw(t, "zeros"))...)
		}
		difference(t, old, fresh)
	})
}

func noiseOf(n int, seed byte) []byte {
	content := make([]byte, n)
	x := uint64(seed)*rollBy + 1
	for i := range content {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		content[i] = byte(x >> 32)
	}
	return content
}
