package dialects

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// rack has three servers, two of them at one address.
type rack struct{ Native }

// Do implements Native.
func (rack) Do(_ context.Context, _ Operation, into any) error {
	return json.Unmarshal([]byte(`{"items": [
		{"id": "s1", "name": "web-1", "address": "10.0.0.1", "port": 22},
		{"id": "s2", "name": "web-2", "address": "10.0.0.2", "port": 22},
		{"id": "s3", "name": "web-3", "address": "10.0.0.2", "port": 2222}
	]}`), into)
}

func TestAServerIsToldOfUnderEveryNameThatItIsCalled(t *testing.T) {
	hosts, err := Find(t.Context(), rack{}, []string{"web-1", "10.0.0.2", "10.0.0.1", "10.0.0.2:2222", "db-1"})
	require.NoError(t, err)
	require.Equal(t, []string{"s1", "s3"}, hosts.IDs)
	require.Equal(t, []string{"10.0.0.2"}, hosts.Ambiguous)
	require.Equal(t, []string{"db-1"}, hosts.Unknown)

	said := map[string]string{}
	hosts.Tell(said, "s1", "down")
	require.Equal(t, map[string]string{"web-1": "down", "10.0.0.1": "down"}, said)
}
