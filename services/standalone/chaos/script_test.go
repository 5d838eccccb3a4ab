package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var full = Size{
	Duration: 5 * time.Minute, Deployments: 200, Versions: 12, Hosts: 60, Frail: 6, Gateways: 2,
	Workers: []string{"gateway-1", "scheduler-1", "history-1", "executor-1", "executor-2"}, Broker: "nats",
}

func TestTheSameSeedGivesTheSameScript(t *testing.T) {
	first, again := NewScript(7, full), NewScript(7, full)
	require.Equal(t, first, again)
	require.NotEqual(t, first, NewScript(8, full))
}

func TestAScriptHasEveryKindOfDeploymentAndFault(t *testing.T) {
	s := NewScript(7, full)
	require.Len(t, s.Orders, full.Deployments)
	seen := map[string]bool{}
	for _, o := range s.Orders {
		seen[o.Kind] = true
		require.Less(t, o.At, full.Duration)
		require.NotEmpty(t, o.Hosts)
		different := map[int]bool{}
		for _, host := range o.Hosts {
			require.Less(t, host, full.Hosts)
			require.False(t, different[host], "%s: host %d is there twice", o.Kind, host)
			different[host] = true
		}
	}
	require.Len(t, seen, len(kinds))
	for _, strike := range s.Strikes {
		seen[string(strike.Verb)+" "+strike.Victim] = true
	}
	for _, victim := range full.Workers {
		require.True(t, seen["kill -9 "+victim] && seen["freeze "+victim], victim)
	}
	require.True(t, seen["kill -9 nats"] && seen["restart nats"])
	for _, b := range s.Breaks {
		require.Less(t, b.Host, full.Frail)
		seen[string(b.Verb)] = true
	}
	require.True(t, seen[string(Down)] && seen[string(CutShort)])
}

func TestNothingHappensToAProcessToWhichSomethingIsHappening(t *testing.T) {
	for seed := range uint64(50) {
		free := map[string]time.Duration{}
		for _, s := range NewScript(seed, full).Strikes {
			require.Greater(t, s.At, free[s.Victim], "%s", s)
			free[s.Victim] = s.At + s.For
		}
	}
}
