package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestTheHostsOfAPieceAreThoseOfItsPlanWhateverBecomesOfThem(t *testing.T) {
	var h deploy.Hosts
	plan := deploy.Record{Seq: 2, Time: at(2), Event: deploy.WasPlanned{First: 100, Targets: []deploy.PlannedTarget{{Host: "a", Name: "web-1"}, {Host: "b"}}}}
	h.Fold(deploy.Record{Seq: 1, Time: at(1), Event: deploy.JobStarted{On: ref(1, 1, 1)}}, at(0))
	require.Zero(t, h)
	h.Fold(plan, at(0))
	planned := h
	require.Equal(t, deploy.Hosts{Seq: 2, AcceptedAt: at(0), IDs: []string{"a", "b"}}, planned)
	h.Fold(deploy.Record{Seq: 3, Time: at(3), Event: deploy.JobStarted{On: ref(1, 1, 1)}}, at(0))
	h.Fold(plan, at(1))
	require.Equal(t, planned, h)
}
