package follow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
)

// fleet is a gateway with one deployment, in memory, so that time can be the test's own. Requests over HTTP are what
// the tests of the whole program are about.
type fleet struct {
	deployment client.Deployment
	targets    []client.Target
	asked      []int           // first target of each page that was asked for
	on         func(look int)  // before each look
	looks      int             // at the deployment
	fail       error           // of the next look
	short      map[string]bool // cursors whose page is empty at first
}

func newFleet(hosts, waveSize int) *fleet {
	f := &fleet{deployment: client.Deployment{ID: "d", State: client.Running, Targets: hosts, Waves: (hosts + waveSize - 1) / waveSize}}
	for i := range hosts {
		f.targets = append(f.targets, client.Target{
			Target: i, Server: fmt.Sprint("s", i), Name: fmt.Sprint("web-", i), Wave: i / waveSize, State: client.Pending,
		})
	}
	return f
}

func (f *fleet) Deployment(context.Context, string) (client.Deployment, error) {
	f.looks++
	if f.on != nil {
		f.on(f.looks)
	}
	return f.deployment, f.fail
}

func (f *fleet) Targets(_ context.Context, _, cursor string) (client.Page[client.Target], error) {
	first, _ := strconv.Atoi(cursor)
	f.asked = append(f.asked, first)
	end := min(first+client.PageLimit, len(f.targets))
	p := client.Page[client.Target]{Items: slices.Clone(f.targets[first:end])}
	if end < f.deployment.Targets {
		p.Next = strconv.Itoa(end)
	}
	if f.short[cursor] {
		f.short[cursor] = false
		p.Items = nil
	}
	return p, nil
}

func (f *fleet) end(first, last int, s client.State) {
	for i := first; i < last; i++ {
		f.targets[i].State = s
	}
}

func until(t *testing.T, f *fleet) follow.Snapshot {
	t.Helper()
	end, err := follow.Until(t.Context(), f, "d", func(follow.Snapshot) {})
	require.NoError(t, err)
	return end
}

func TestASmallFleetIsLookedAtFourTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(3, 3)
		f.on = func(look int) {
			if look == 41 {
				f.end(0, 3, client.Succeeded)
				f.deployment.State = client.Succeeded
			}
		}
		began := time.Now()
		end := until(t, f)
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Len(t, f.asked, 41)
		require.Len(t, end.Targets, 3)
		require.Equal(t, client.Succeeded, end.Targets[2].State)
	})
}

func TestALargeFleetCostsOnePageALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(10_000, 10_000)
		f.on = func(look int) {
			if look == 100 {
				f.end(0, 10_000, client.Succeeded)
				f.deployment.State = client.Succeeded
			}
		}
		end := until(t, f)
		require.Len(t, end.Targets, 10_000)
		require.Len(t, f.asked, 99+20, "one page each time, and all at the end")
	})
}

func TestPagesThatCannotChangeAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(2000, 500) // four pages, each a wave
		f.on = func(look int) {
			switch look {
			case 10: // all pages are known by now
				f.end(0, 500, client.Succeeded)
				f.deployment.Wave = 1
			case 12:
				f.asked = nil
			case 40:
				require.NotContains(t, f.asked, 0, "it has ended")
				require.NotContains(t, f.asked, 1000, "its wave has not begun")
				require.NotContains(t, f.asked, 1500, "its wave has not begun")
				f.end(500, 501, client.Failed)
				f.end(501, 1000, client.Succeeded)
				f.end(1000, 2000, client.Skipped)
				f.deployment.State = client.Failed
			}
		}
		end := until(t, f)
		require.Equal(t, client.Failed, end.Targets[500].State)
		require.Equal(t, client.Skipped, end.Targets[1999].State)
	})
}

func TestAPageThatWasShortIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(700, 700)
		f.short = map[string]bool{"": true, "500": true}
		f.end(0, 700, client.Succeeded)
		f.deployment.State = client.Succeeded
		require.Len(t, until(t, f).Targets, 700)
	})
}

func TestTargetsThatEndLateAreWaitedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(2, 2)
		f.deployment.State = client.Succeeded
		f.on = func(look int) {
			if look == 4 {
				f.end(0, 2, client.Succeeded)
			}
		}
		require.Equal(t, client.Succeeded, until(t, f).Targets[1].State)
		require.Equal(t, 4, f.looks)
	})
}

func TestTargetsThatNeverEndAreNotWaitedForForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(2, 2)
		f.deployment.State = client.Failed
		require.Equal(t, client.Pending, until(t, f).Targets[1].State)
		require.Less(t, f.looks, 20)
	})
}

func TestItEndsWithADeploymentThatWasCancelledOrRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, state := range []client.State{client.Cancelled, client.Rejected} {
			f := newFleet(3, 1)
			f.on = func(look int) {
				switch look {
				case 5:
					f.deployment.State = client.Paused
				case 20:
					f.end(0, 1, client.Succeeded)
					f.end(1, 2, client.Skipped)
					f.end(2, 3, client.Cancelled)
					f.deployment.State = state
				}
			}
			end := until(t, f)
			require.Equal(t, state, end.Deployment.State)
			require.Equal(t, client.Cancelled, end.Targets[2].State)
			require.Equal(t, 20, f.looks)
		}
	})
}

func TestItEndsWithItsContextAndWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFleet(2, 2)
		f.on = func(look int) {
			if look == 3 {
				cancel()
			}
		}
		end, err := follow.Until(ctx, f, "d", func(follow.Snapshot) {})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, end.Targets, 2)

		f.on, f.fail = nil, errors.New("gone")
		_, err = follow.Until(t.Context(), f, "d", func(follow.Snapshot) {})
		require.ErrorIs(t, err, f.fail)
	})
}
