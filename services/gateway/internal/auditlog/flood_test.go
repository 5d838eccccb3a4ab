package auditlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
)

// denied is a call that nobody known has made, and that was refused.
func denied(remote, action string, at time.Time) audit.Entry {
	return audit.Entry{Action: action, Code: "unauthorized", Outcome: audit.Refused, Remote: remote, Request: "r", Status: 401, Time: at} //nolint:misspell // as HTTP spells it
}

func TestWhatOneCallerIsRefusedIsCountedWhereItIsTooMuch(t *testing.T) {
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	f := newFlood(now)
	stored := 0
	for i := range 5000 {
		if f.admit(denied("192.0.2.1", "servers.create", now.Add(time.Duration(i)*time.Millisecond))) {
			stored++
		}
	}
	require.Equal(t, ofAddress, stored)
	require.True(t, f.admit(denied("192.0.2.2", "servers.create", now)), "another address has done nothing yet")
	require.Empty(t, f.due(now.Add(floodWindow-1)))
	since := now.Add(ofAddress * time.Millisecond)
	require.Equal(t, []audit.Entry{{
		Action: "servers.create", Code: "unauthorized", Count: 5000 - ofAddress, Outcome: audit.Refused, Remote: "192.0.2.1", Status: 401, //nolint:misspell // as HTTP spells it
		Since: &since, Time: now.Add(4999 * time.Millisecond),
	}}, f.due(now.Add(floodWindow)))
	require.True(t, f.admit(denied("192.0.2.1", "servers.create", now)), "another window")
	require.Empty(t, f.due(time.Time{}))
}

func TestAnyNumberOfCallersLeavesFewEntries(t *testing.T) {
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	f := newFlood(now)
	stored, counted := 0, 0
	const calls = 40_000
	for i := range calls {
		remote := fmt.Sprintf("10.%d.%d.%d", i%7, i/250%200, i%250)
		if i%2 == 0 {
			remote = fmt.Sprintf("2001:db8:%x:%x::%x", i%100, i/100, i)
		}
		if f.admit(denied(remote, fmt.Sprintf("a.%d", i%3), now)) {
			stored++
		}
	}
	last := f.due(now.Add(floodWindow))
	for _, e := range last {
		counted += e.Count
	}
	require.Equal(t, calls, stored+counted, "each is an entry, or counted in one")
	require.LessOrEqual(t, stored, ofNobody)
	require.LessOrEqual(t, len(last), maxToldApart+1)
	require.Contains(t, last[0].Action+last[len(last)-1].Action, variousWords)
}

func TestAddressesOfOneNetworkAreOneCaller(t *testing.T) {
	now := time.Now()
	f := newFlood(now)
	for i := range 100 {
		f.admit(denied(fmt.Sprintf("2001:db8::%x", i), "servers.read", now))
	}
	counted := f.due(time.Time{})
	require.Len(t, counted, 1)
	require.Equal(t, variousWords, counted[0].Remote)
	require.Equal(t, 100-ofAddress, counted[0].Count)
}

func TestWhoIsKnownIsToldApartHoweverManyThereAre(t *testing.T) {
	now := time.Now()
	f := newFlood(now)
	for i := range 20_000 {
		f.admit(denied(fmt.Sprintf("10.0.%d.%d", i/250, i%250), "servers.read", now))
	}
	e := denied("192.0.2.1", "deployments.create", now)
	e.Actor, e.Code, e.Status = &audit.Actor{ID: "t", Name: "ci"}, "invalid_request", 422
	for i := range ofActor + 5 {
		require.Equal(t, i < ofActor, f.admit(e))
	}
	named := 0
	for _, e := range f.due(time.Time{}) {
		if e.Actor != nil {
			require.Equal(t, "ci", e.Actor.Name)
			named += e.Count
		}
	}
	require.Equal(t, 5, named)
}
