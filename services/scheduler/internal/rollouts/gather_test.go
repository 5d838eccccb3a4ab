package rollouts

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// batchOf returns a batch of so many endings, how its lease is lost, and what is closed once it is released.
func batchOf(count int) (b batch, lose context.CancelCauseFunc, released chan struct{}) {
	released = make(chan struct{})
	b.ctx, lose = context.WithCancelCause(context.Background())
	b.endings, b.release = make([]ending, count), func() { close(released) }
	return b, lose, released
}

// recorder is who records: it tells of each batch that it has, and waits to be told to go on.
type recorder struct {
	began chan int
	goOn  chan struct{}
}

func newRecorder() *recorder { return &recorder{make(chan int), make(chan struct{})} }

func (r *recorder) record(_ string, b batch) (after func()) {
	r.began <- len(b.endings)
	<-r.goOn
	return b.release
}

func TestWhatEndsWhileADeploymentIsRecordedIsGathered(t *testing.T) {
	r := newRecorder()
	g := newGathering(2, r.record)
	var released []chan struct{}
	add := func(id string, count int) {
		b, _, done := batchOf(count)
		released = append(released, done)
		g.add(t.Context(), id, b)
	}
	add("a", 1)
	require.Equal(t, 1, <-r.began)
	add("a", 2)
	add("a", 3)
	add("b", 7)
	require.Equal(t, 7, <-r.began, "another deployment waits for nobody")
	r.goOn <- struct{}{}
	r.goOn <- struct{}{}
	require.Equal(t, 5, <-r.began)
	r.goOn <- struct{}{}
	g.Wait()
	for _, done := range released {
		<-done
	}
	require.Empty(t, g.waiting)
	require.Zero(t, g.count)

	add("a", 4)
	require.Equal(t, 4, <-r.began, "it begins anew")
	r.goOn <- struct{}{}
	g.Wait()
}

func TestWhatFollowsFromARecordHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang, recorded := make(chan struct{}), make(chan struct{})
		g := newGathering(2, func(_ string, b batch) (after func()) {
			if len(b.endings) == 1 {
				return func() { <-hang }
			}
			return func() { close(recorded) }
		})
		first, _, _ := batchOf(1)
		g.add(t.Context(), "a", first)
		synctest.Wait() // it is recorded: the other is a batch of its own
		second, _, _ := batchOf(2)
		g.add(t.Context(), "a", second)
		<-recorded
		close(hang)
		g.Wait()
	})
}

func TestTheLeaseOnABatchIsLostWithThatOnAnyOfItsInputs(t *testing.T) {
	first, _, firstReleased := batchOf(1)
	second, lose, secondReleased := batchOf(1)
	joined := join(t.Context(), []batch{first, second})
	require.NoError(t, joined.ctx.Err())
	lost := errors.New("lost")
	lose(lost)
	<-joined.ctx.Done()
	require.ErrorIs(t, context.Cause(joined.ctx), lost)
	joined.release()
	<-firstReleased
	<-secondReleased
}

func TestABatchWhoseLeaseIsLostSpoilsNoOther(t *testing.T) {
	r := newRecorder()
	g := newGathering(1, r.record)
	first, _, _ := batchOf(1)
	g.add(t.Context(), "a", first)
	require.Equal(t, 1, <-r.began)
	lost, lose, released := batchOf(2)
	lose(errors.New("lost"))
	g.add(t.Context(), "a", lost)
	sound, _, _ := batchOf(3)
	g.add(t.Context(), "a", sound)
	r.goOn <- struct{}{}
	require.Equal(t, 3, <-r.began)
	<-released
	r.goOn <- struct{}{}
	g.Wait()
	require.Zero(t, g.count)
}

func TestNoMoreIsRecordedAtOnceThanIsReadAtOnce(t *testing.T) {
	r := newRecorder()
	g := newGathering(1, r.record)
	add := func(count int) {
		b, _, _ := batchOf(count)
		g.add(t.Context(), "a", b)
	}
	add(1)
	require.Equal(t, 1, <-r.began)
	add(eventBatch - 1)
	add(1)
	add(2)
	for _, want := range []int{eventBatch, 2} {
		r.goOn <- struct{}{}
		require.Equal(t, want, <-r.began)
	}
	r.goOn <- struct{}{}
	g.Wait()
}

func TestNoMoreIsGatheredThanCanBeHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		g := newGathering(1, r.record)
		add := func() {
			b, _, _ := batchOf(eventBatch)
			g.add(t.Context(), "a", b)
		}
		add()
		<-r.began
		for range mostGathered / eventBatch {
			add()
		}
		added := false
		go func() {
			add()
			added = true
		}()
		synctest.Wait()
		require.False(t, added)
		require.Equal(t, mostGathered, g.count)
		r.goOn <- struct{}{} // one is taken, and there is room
		<-r.began
		synctest.Wait()
		require.True(t, added)
		require.Equal(t, mostGathered, g.count)
		for range mostGathered / eventBatch {
			r.goOn <- struct{}{}
			<-r.began
		}
		r.goOn <- struct{}{}
		g.Wait()
	})
}
