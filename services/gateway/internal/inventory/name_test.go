package inventory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

func open(t *testing.T) *Inventory {
	t.Helper()
	v, _ := openBeside(t)
	return v
}

// openBeside returns the bus, too.
func openBeside(t *testing.T) (*Inventory, *bus.Bus) {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	v, err := Open(t.Context(), b, zerolog.Nop())
	require.NoError(t, err)
	return v, b
}

func named(name string) Server {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return Server{ID: xid.New().String(), Name: name, Labels: map[string]string{}, CreatedAt: now, UpdatedAt: now}
}

func to(name string) func(Server) (Server, error) {
	return func(s Server) (Server, error) {
		s.Name = name
		return s, nil
	}
}

func create(t *testing.T, v *Inventory, name string) (Server, uint64) {
	t.Helper()
	s, rev, err := v.Create(t.Context(), named(name))
	require.NoError(t, err)
	return s, rev
}

func names(t *testing.T, v *Inventory) []string {
	t.Helper()
	all, _, err := v.List(t.Context(), Filter{})
	require.NoError(t, err)
	list := []string{}
	for _, s := range all {
		list = append(list, s.Name)
	}
	return list
}

func TestACreationThatDiedBetweenItsWritesIsNotSeen(t *testing.T) {
	v, b := openBeside(t)
	half := named("a")
	_, err := v.cells.Create(t.Context(), half.ID, stored{Server: &half})
	require.NoError(t, err)
	require.Empty(t, names(t, v))
	_, _, err = v.Get(t.Context(), half.ID)
	require.ErrorIs(t, err, ErrNotFound)
	_, _, err = v.Change(t.Context(), half.ID, 0, to("b"))
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, v.Delete(t.Context(), half.ID, 0), ErrNotFound)

	whole, _ := create(t, v, "a")
	_, _, err = v.Create(t.Context(), half)
	require.ErrorIs(t, err, ErrNameTaken, "the one that died comes back too late")
	require.Equal(t, []string{"a"}, names(t, v))

	left := named("left")
	left.CreatedAt = time.Now().Add(-2 * time.Hour)
	_, err = v.cells.Create(t.Context(), left.ID, stored{Server: &left})
	require.NoError(t, err)
	words, err := bus.OpenCells[string](t.Context(), b, contract.BucketServers)
	require.NoError(t, err)
	damaged, err := words.Put(t.Context(), "bad", "no server")
	require.NoError(t, err)
	require.ErrorIs(t, v.Sweep(t.Context(), time.Hour), mirror.ErrPartial, "it may be the claim of the one that is left")
	require.NoError(t, v.cells.Delete(t.Context(), "bad", damaged))
	require.NoError(t, v.Sweep(t.Context(), time.Hour))
	_, _, err = v.cells.Get(t.Context(), left.ID)
	require.ErrorIs(t, err, bus.ErrNone)
	_, _, err = v.Get(t.Context(), whole.ID)
	require.NoError(t, err)
}

func TestACreationIsCompletedByTheNextAttempt(t *testing.T) {
	v := open(t)
	half := named("a")
	_, err := v.cells.Create(t.Context(), half.ID, stored{Server: &half})
	require.NoError(t, err)
	for range 2 {
		got, _, err := v.Create(t.Context(), half)
		require.NoError(t, err)
		require.Equal(t, half.ID, got.ID)
	}
	require.Equal(t, []string{"a"}, names(t, v))
}

func TestARenameThatDiedLosesItsClaim(t *testing.T) {
	v := open(t)
	s, rev := create(t, v, "a")
	require.NoError(t, v.claim(t.Context(), "b", s.ID, rev)) // and here it stops
	require.Equal(t, []string{"a"}, names(t, v))

	create(t, v, "b")
	require.Equal(t, []string{"a", "b"}, names(t, v))
	renamed := s
	renamed.Name = "b"
	_, err := v.cells.Set(t.Context(), s.ID, stored{Server: &renamed}, rev)
	require.ErrorIs(t, err, bus.ErrConflict, "it was made impossible before the name was given away")
	_, _, err = v.Change(t.Context(), s.ID, 0, to("b"))
	require.ErrorIs(t, err, ErrNameTaken)
}

func TestADeletionThatDiedFreesItsName(t *testing.T) {
	v := open(t)
	s, rev := create(t, v, "a")
	require.NoError(t, v.cells.Delete(t.Context(), s.ID, rev)) // the claim stays
	require.Empty(t, names(t, v))
	create(t, v, "a")
	require.Equal(t, []string{"a"}, names(t, v))
}

func TestARenameBackAndForthKeepsTheServer(t *testing.T) {
	v := open(t)
	s, _ := create(t, v, "a")
	for range 5 {
		for _, name := range []string{"b", "a"} {
			_, _, err := v.Change(t.Context(), s.ID, 0, to(name))
			require.NoError(t, err)
			require.Equal(t, []string{name}, names(t, v))
		}
	}
	create(t, v, "b")
}

// client creates, renames and deletes servers of its own, and is cut short at
// random, as if its gateway died. It remembers what it may have done.
type client struct {
	v     *Inventory
	rand  *rand.Rand
	mine  map[string]map[string]bool // id → names that it may have now
	fails int
}

var fewNames = []string{"a", "b", "c", "d"}

func (c *client) step(ctx context.Context) error {
	if c.rand.IntN(2) == 0 {
		var cut context.CancelFunc
		ctx, cut = context.WithTimeout(ctx, time.Duration(c.rand.IntN(1500))*time.Microsecond)
		defer cut()
	}
	name := fewNames[c.rand.IntN(len(fewNames))]
	ids := make([]string, 0, len(c.mine))
	for id := range c.mine {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		s := named(name)
		if _, _, err := c.v.Create(ctx, s); err != nil {
			return err
		}
		c.mine[s.ID] = map[string]bool{name: true}
		return nil
	}
	id := ids[c.rand.IntN(len(ids))]
	if c.rand.IntN(4) == 0 {
		delete(c.mine, id)
		return c.v.Delete(ctx, id, 0)
	}
	_, _, err := c.v.Change(ctx, id, 0, to(name))
	switch {
	case err == nil:
		c.mine[id] = map[string]bool{name: true}
	case !errors.Is(err, ErrNameTaken):
		c.mine[id][name] = true // it may have happened
	}
	return err
}

func TestWhateverDiesNoServerIsLostAndNoNameIsSharedAmongMany(t *testing.T) {
	broker := bustest.Start(t)
	clients := make([]*client, 4)
	var all sync.WaitGroup
	for i := range clients {
		v, err := Open(t.Context(), broker.OpenBus(t), zerolog.Nop())
		require.NoError(t, err)
		c := &client{v: v, rand: rand.New(rand.NewPCG(uint64(i), 7)), mine: map[string]map[string]bool{}}
		clients[i] = c
		all.Go(func() {
			for range 150 {
				if err := c.step(t.Context()); err != nil {
					c.fails++
				}
			}
		})
	}
	all.Wait()

	v := clients[0].v
	seen := map[string]string{}
	servers, _, err := v.List(t.Context(), Filter{})
	require.NoError(t, err)
	for _, s := range servers {
		require.Empty(t, seen[s.Name], "two servers are named %s", s.Name)
		seen[s.Name] = s.ID
	}
	for i, c := range clients {
		require.NotZero(t, c.fails, "nothing was ever cut short")
		for id, may := range c.mine {
			s, _, err := v.Get(t.Context(), id)
			require.NoError(t, err, "client %d lost server %s, which may be named %v", i, id, may)
			require.True(t, may[s.Name], "client %d: %s is named %s, not one of %v", i, id, s.Name, may)
		}
	}
	// Every name can be had again: no claim blocks for ever.
	for _, s := range servers {
		require.NoError(t, v.Delete(t.Context(), s.ID, 0))
	}
	for _, name := range fewNames {
		create(t, v, name)
	}
	require.Len(t, names(t, v), len(fewNames), fmt.Sprint(seen))
}
