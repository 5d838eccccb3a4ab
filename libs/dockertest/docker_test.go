package dockertest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnImageIsBuiltSavedPushedAndRun(t *testing.T) {
	d := Start(t)
	require.NotEmpty(t, d.Save("saved:1", "1.0", Dockerfile))
	require.Empty(t, d.Run("image", "ls", "--quiet"))

	name := Registry(t) + "/shop:1.0"
	d.Build(name, "1.0", Plain)
	d.Run("image", "push", "--quiet", name)
	d.Run("image", "rm", name)
	d.Run("image", "pull", "--quiet", name)
	d.Run("container", "run", "--detach", "--network=host", "--env=LISTEN=127.0.0.1:0", name)
	require.Equal(t, "running", d.Run("container", "ls", "--format", "{{.State}}"))
}
