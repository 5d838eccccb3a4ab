package executor

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// served says whether an executor of the zone is there.
func (s *system) served(zone string) bool {
	_, err := s.bus.Conn().Request(contract.ExecutorSubject(zone), nil, patience)
	return !errors.Is(err, nats.ErrNoResponders)
}

func TestAnExecutorTakesTheJobsOfItsZonesAlone(t *testing.T) {
	s := newSystem(t)
	stop := s.executor(func(c *Config) { c.Zones, c.Slots = []string{"dmz", "lab"}, 2 })
	hosts := hosttest.Start(t, 5)
	p := s.upload("1.0", 100)
	ids := make([]string, len(hosts))
	for i, zone := range []string{"", "dmz", "lab", "dmz", "dmz"} {
		ids[i] = s.offerIn(zone, hosts[i].Name, contract.DeployJob{Application: app, Target: s.target(hosts[i]), Package: p})
	}
	for i, h := range hosts[1:] {
		require.Equal(t, "succeeded", s.await(ids[i+1], h.Name).State)
	}
	require.Empty(t, s.story(ids[0], hosts[0].Name), "it waits for an executor of its zone")

	require.True(t, s.served("dmz"))
	require.True(t, s.served("lab"))
	require.False(t, s.served(""))
	stop()
	require.Eventually(t, func() bool { return !s.served("dmz") && !s.served("lab") }, patience, 5*time.Millisecond)

	s.executor(nil)
	require.Equal(t, "succeeded", s.await(ids[0], hosts[0].Name).State)
	require.True(t, s.served(contract.DefaultZone))
}

func TestAnExecutorThatEndsItsJobsIsNoLongerThere(t *testing.T) {
	s := newSystem(t)
	stop := s.executor(nil)
	require.Eventually(t, func() bool { return s.served("") }, patience, 5*time.Millisecond)
	h := hosttest.Start(t, 1)[0]
	h.Freeze()
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 100)})
	s.awaitStep(id, h.Name, "connect running")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	require.Eventually(t, func() bool { return !s.served("") }, patience, 5*time.Millisecond)
	h.Thaw()
	<-stopped
}

func TestZonesThatAnExecutorCannotHave(t *testing.T) {
	check := func(zones []string, slots int) []error {
		var c Config
		config.Defaults(&c)
		c.Zones, c.Slots = zones, slots
		return c.Validate()
	}
	require.Empty(t, check([]string{contract.DefaultZone}, 1))
	require.Empty(t, check([]string{"default", "dmz"}, 2))
	require.Len(t, check(nil, 1), 1, "none")
	require.Len(t, check([]string{"default", "dmz"}, 1), 1, "one of them would never be asked for jobs")
	require.Len(t, check([]string{"DMZ", "a.b", "dmz", "dmz"}, 8), 3)
}
