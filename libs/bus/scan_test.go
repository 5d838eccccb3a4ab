package bus_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestScanGivesEverythingOnTheSubjectsInOrder(t *testing.T) {
	_, b := start(t)
	for i := range 1200 {
		subject := contract.SystemEventSubject("d" + string(rune('a'+i%3)))
		_, err := b.Publish(t.Context(), subject, fmt.Sprint(i), fmt.Append(nil, i))
		require.NoError(t, err)
	}
	var got []uint64
	keep := func(s bus.Stored) error {
		require.NotEqual(t, contract.SystemEventSubject("db"), s.Subject)
		got = append(got, s.Seq)
		return nil
	}
	subjects := []string{contract.SystemEventSubject("da"), contract.SystemEventSubject("dc")}
	require.NoError(t, b.Scan(t.Context(), contract.StreamEvents, subjects, keep))
	require.Len(t, got, 800)
	require.IsIncreasing(t, got)

	enough := errors.New("enough")
	require.ErrorIs(t, b.Scan(t.Context(), contract.StreamEvents, subjects, func(bus.Stored) error { return enough }), enough)

	require.NoError(t, b.Drop(t.Context(), contract.StreamEvents, subjects[0]))
	got = nil
	require.NoError(t, b.Scan(t.Context(), contract.StreamEvents, subjects, keep))
	require.Len(t, got, 400)
	require.NoError(t, b.Scan(t.Context(), contract.StreamEvents, []string{contract.StopSubject("none")}, func(bus.Stored) error { return enough }))
}

func TestAScanBeginsWhereItIsTold(t *testing.T) {
	_, b := start(t)
	var last uint64
	for i := range 9 {
		var err error
		last, err = b.Publish(t.Context(), contract.SystemEventSubject("d"), fmt.Sprint(i), []byte("x"))
		require.NoError(t, err)
	}
	for after, want := range map[uint64]int{0: 9, last - 2: 2, last - 1: 1, last: 0, last + 1: 0} {
		got := 0
		require.NoError(t, b.ScanAfter(t.Context(), contract.StreamEvents, after, nil, func(s bus.Stored) error {
			require.Greater(t, s.Seq, after)
			got++
			return nil
		}))
		require.Equal(t, want, got, "after %d", after)
	}
}

func TestAScanEndsWhereItIsTold(t *testing.T) {
	_, b := start(t)
	const stored = 1200
	var acks []jetstream.PubAckFuture
	for i := range stored {
		ack, err := b.JetStream().PublishAsync(contract.SystemEventSubject("d"), fmt.Append(nil, i))
		require.NoError(t, err)
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		<-ack.Ok()
	}
	scan := func(after, last uint64) (got []uint64) {
		require.NoError(t, b.ScanUpTo(t.Context(), contract.StreamEvents, after, last, func(s bus.Stored) error {
			got = append(got, s.Seq)
			return nil
		}))
		return got
	}
	for _, piece := range [][2]uint64{{0, 1}, {7, 9}, {0, 500}, {100, 1150}, {0, stored}} {
		got := scan(piece[0], piece[1])
		require.Len(t, got, int(piece[1]-piece[0]))
		require.Equal(t, piece[0]+1, got[0])
		require.Equal(t, piece[1], got[len(got)-1])
	}
	require.Empty(t, scan(9, 9))
	require.Empty(t, scan(9, 7))
	require.Empty(t, scan(stored, stored+5))
	require.Len(t, scan(stored-1, math.MaxUint64), 1)

	stream, err := b.JetStream().Stream(t.Context(), contract.StreamEvents)
	require.NoError(t, err)
	require.NoError(t, stream.DeleteMsg(t.Context(), 5))
	require.Equal(t, []uint64{4, 6}, scan(3, 6), "nothing beyond comes in the place of what was removed")

	failed := errors.New("failed")
	require.ErrorIs(t, b.ScanUpTo(t.Context(), contract.StreamEvents, 0, 9, func(bus.Stored) error { return failed }), failed)
}
