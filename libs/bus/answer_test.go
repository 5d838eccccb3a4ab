package bus_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
)

func TestNoAnswerBeginsOnceTheyAreClosedAndAllThatBeganAreWaitedFor(t *testing.T) {
	var a bus.Answering
	closed, ended := make(chan struct{}), false
	a.Go(func() {
		<-closed
		ended = true
	})
	together := make(chan struct{})
	a.Go(func() { close(together) })
	<-together // one does not wait for the other
	a.Close()
	a.Go(func() { t.Error("it was closed") })
	close(closed)
	a.Wait()
	require.True(t, ended)
}
