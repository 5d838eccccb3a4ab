package rollouts

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// batchOf returns a batch of so many endings, how its lease is lost, and what is closed once it is released.
func batchOf(count int) (b batch, lose context.CancelCauseFunc, released chan struct{}) {
	released = make(chan struct{})
	b.ctx, lose = context.WithCancelCause(context.Background())
	b.endings, b.release = make([]ending, count), func() { close(released) }
	return b, lose, released
}

func TestWhatEndsWhileADeploymentIsRecordedIsGathered(t *testing.T) {
	g := newGathering(2)
	began, goOn := make(chan int), make(chan struct{})
	record := func(b batch) {
		began <- len(b.endings)
		<-goOn
		b.release()
	}
	var released []chan struct{}
	add := func(id string, count int) {
		b, _, done := batchOf(count)
		released = append(released, done)
		g.add(t.Context(), id, b, record)
	}
	add("a", 1)
	require.Equal(t, 1, <-began)
	add("a", 2)
	add("a", 3)
	add("b", 7)
	require.Equal(t, 7, <-began, "another deployment waits for nobody")
	goOn <- struct{}{}
	goOn <- struct{}{}
	require.Equal(t, 5, <-began)
	goOn <- struct{}{}
	g.Wait()
	for _, done := range released {
		<-done
	}
	require.Empty(t, g.waiting)
	require.Zero(t, g.count)

	go add("a", 4)
	require.Equal(t, 4, <-began, "it begins anew")
	goOn <- struct{}{}
	g.Wait()
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

func TestNoMoreIsGatheredThanCanBeHeld(t *testing.T) {
	g := newGathering(1)
	began, goOn := make(chan int), make(chan struct{})
	add := func(count int) {
		b, _, _ := batchOf(count)
		g.add(t.Context(), "a", b, func(b batch) {
			began <- len(b.endings)
			<-goOn
		})
	}
	add(1)
	<-began
	add(mostGathered)
	over := make(chan struct{})
	go func() {
		add(1)
		close(over)
	}()
	select {
	case <-over:
		t.Fatal("it does not wait")
	case <-time.After(10 * time.Millisecond): // it can only be seen for a while that nothing happens
	}
	goOn <- struct{}{}
	require.Equal(t, mostGathered, <-began)
	<-over
	goOn <- struct{}{}
	require.Equal(t, 1, <-began)
	goOn <- struct{}{}
	g.Wait()
}
