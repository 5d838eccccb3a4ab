package deployments

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

func TestAQuestionNamesNoMoreServersThanAMessageHolds(t *testing.T) {
	servers := make([]inventory.Server, 50)
	var in []int
	for i := range servers {
		in = append(in, i)
	}
	sizes := func() (all []int) {
		for _, group := range groups(in, servers, contract.InspectLimit) {
			all = append(all, len(group))
		}
		return all
	}
	require.Equal(t, []int{contract.InspectLimit, contract.InspectLimit, 10}, sizes())
	for i := range servers {
		servers[i].Credential = strings.Repeat("x", maxQuestion/10)
	}
	require.Equal(t, []int{9, 9, 9, 9, 9, 5}, sizes())
	require.Empty(t, groups(nil, servers, contract.InspectLimit))
}
