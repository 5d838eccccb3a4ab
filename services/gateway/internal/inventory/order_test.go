package inventory

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextsAreComparedNaturally(t *testing.T) {
	sorted := []string{
		"", "0", "1", "2", "10", "10a", "a", "a1", "a2", "a10", "a10b2", "a10b10", "a-1", "b", "rack 9", "rack 10",
		"v1.2.3", "v1.10", "v2", "z99999999999999999998", "z99999999999999999999", "ü1",
	}
	slices.SortFunc(sorted, naturally)
	for i, a := range sorted {
		for j, b := range sorted {
			want := min(1, max(-1, i-j))
			require.Equal(t, want, naturally(a, b), "%q and %q", a, b)
		}
	}
	require.Less(t, slices.Index(sorted, "a2"), slices.Index(sorted, "a10"))
	require.Less(t, slices.Index(sorted, "rack 9"), slices.Index(sorted, "rack 10"))
	require.Less(t, slices.Index(sorted, "v1.2.3"), slices.Index(sorted, "v1.10"))
	require.Less(t, slices.Index(sorted, "z99999999999999999998"), slices.Index(sorted, "z99999999999999999999"))
	require.Zero(t, naturally("web-01", "web-1"))
}

func TestServersAreOrderedByALabel(t *testing.T) {
	rack := func(name string, labels map[string]string) Server { return Server{Name: name, Labels: labels} }
	servers := []Server{
		rack("none", nil), rack("ten", map[string]string{"rack": "r10"}), rack("nine", map[string]string{"rack": "r9"}),
		rack("other", map[string]string{"row": "1"}), rack("nine too", map[string]string{"rack": "r9"}), rack("empty", map[string]string{"rack": ""}),
	}
	given := slices.Clone(servers)
	names := func(all []Server) (names []string) {
		for _, s := range all {
			names = append(names, s.Name)
		}
		return names
	}
	require.Equal(t, []string{"empty", "nine", "nine too", "ten", "none", "other"}, names(Ordered(servers, "rack")))
	require.Equal(t, given, servers, "what was given stays as it is")
	require.Equal(t, given, Ordered(servers, ""))
	require.Equal(t, given, Ordered(servers, "unknown"))
	for range 20 {
		rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
		ordered := names(Ordered(servers, "rack"))
		require.Equal(t, []string{"empty", "ten"}, []string{ordered[0], ordered[3]})
	}
}
