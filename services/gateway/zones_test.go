package gateway_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// inZones creates a server in each of the zones, "" being no label, and returns
// their names.
func (f *fixture) inZones(zones ...string) []string {
	f.Helper()
	names := make([]string, len(zones))
	for i, zone := range zones {
		names[i] = fmt.Sprintf("s%02d", i)
		s := web(names[i])
		if zone != "" {
			s = s.with(object{"labels": object{"zone": zone}})
		}
		f.post("/v1/servers", s).is(201)
	}
	return names
}

func TestTheZonesOfServersTravelWithTheirDeployment(t *testing.T) {
	f := start(t)
	names := f.inZones("", "lab", "default", "dmz", "lab")
	f.shop("1.0")
	begin := func(servers ...string) contract.Snapshot {
		id := f.post("/v1/deployments", object{"application": "shop", "version": "1.0", "servers": servers}).is(202).id()
		return f.command(id).Body.(contract.DeployCommand).Snapshot
	}
	all := begin(names...)
	require.Equal(t, []string{"default", "dmz", "lab"}, all.Zones)
	var zones []string
	for _, target := range f.pieces(all)[0] {
		zones = append(zones, target.Zone)
	}
	require.Equal(t, []string{"", "lab", "default", "dmz", "lab"}, zones)
	require.Equal(t, []string{"lab"}, begin("s01", "s04").Zones)
	require.Empty(t, begin("s00", "s02").Zones, "the default zone alone, as it always was")
}

func TestServersAreReadByAnExecutorOfTheirZone(t *testing.T) {
	f := start(t)
	zones := make([]string, 50)
	for i := range zones {
		zones[i] = []string{"", "dmz"}[i%2]
	}
	names := f.inZones(zones...)
	var mu sync.Mutex
	asked := map[string][]int{}
	serve := func(zone string) {
		f.respond(contract.ReleasesSubject(zone), func(m contract.Message) contract.Body {
			targets := m.Body.(contract.Inspect).Targets
			mu.Lock()
			defer mu.Unlock()
			asked[zone] = append(asked[zone], len(targets))
			var rows contract.Releases
			for _, target := range targets {
				assert.Equal(t, zone, target.Zone)
				rows.Hosts = append(rows.Hosts, contract.HostReleases{Host: target.Host, Current: target.Name, Intact: true})
			}
			return rows
		})
	}
	f.get("/v1/releases?application=shop").refused(503, "unavailable")

	serve("")
	rows := f.get("/v1/releases?application=shop").is(200).object()["items"].([]any)
	require.Len(t, rows, 50)
	for i, row := range rows {
		row := row.(map[string]any)
		require.Equal(t, names[i], row["name"])
		if i%2 == 0 {
			require.Equal(t, names[i], row["current"])
			continue
		}
		require.Equal(t, map[string]any{"code": "no_executor", "reason": "no executor serves the zone dmz"}, row["failure"])
	}
	f.get("/v1/releases?application=shop&label=zone%3Ddmz").refused(503, "unavailable")

	serve("dmz")
	require.Equal(t, names, f.get("/v1/releases?application=shop").is(200).column("current"))
	require.ElementsMatch(t, []int{20, 5, 20, 5}, asked[""])
	require.ElementsMatch(t, []int{20, 5}, asked["dmz"])
}
