package deploy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy/internal/statedoc"
)

func TestTheDocumentOfTheStatesShowsTheTable(t *testing.T) {
	written, err := os.ReadFile("../../" + statedoc.Path)
	require.NoError(t, err)
	require.Equal(t, statedoc.Render(), string(written), "%s is out of date: run %q", statedoc.Path, statedoc.Command)
}
