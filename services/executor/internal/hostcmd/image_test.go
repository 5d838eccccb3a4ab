package hostcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/dockertest"
)

// onDock is a host with dash and a Docker of its own.
func onDock(t *testing.T) *dock {
	t.Helper()
	return newDock(t, newHost(t, userlands(t)[0]), dockertest.Start(t))
}

func TestAnImageIsLoadedAndPulled(t *testing.T) {
	d := onDock(t)
	d.Build("kept:1", "of somebody else", dockertest.Plain)
	theirs := d.Run("image", "inspect", "--format", "{{.Id}}", "kept:1")
	other := dockertest.Start(t)
	load := Image{From: "load", Source: "image.tar"}

	d.stageFiles("v1", map[string]string{"image.tar": string(other.Save("shop:v1", "v1", dockertest.Plain))})
	a := d.image("v1", load)
	require.NoError(t, a.err, a.stderr)
	runtime, before := a.Prepared()
	require.Equal(t, "docker", runtime)
	require.False(t, before)
	require.Len(t, d.images(), 2)
	require.Regexp(t, `^slipway/shop:v1-`+digestOf("v1")[:12]+`\.[0-9a-f]{10}$`, d.images()[1], "what it was called before, it is called no more")
	_, before = d.image("v1", load).Prepared()
	require.True(t, before)
	d.Run("image", "rm", d.images()[1])
	a = d.image("v1", load)
	require.NoError(t, a.err, "the archive is kept with the release")
	require.Len(t, d.images(), 2)

	d.stageFiles("v2", map[string]string{"image.tar": string(other.Save("kept:1", "v2", dockertest.Plain))})
	require.NoError(t, d.image("v2", load).err)
	require.Equal(t, theirs, d.Run("image", "inspect", "--format", "{{.Id}}", "kept:1"), "a name of somebody else means what it did")

	name := dockertest.Registry(t) + "/shop:v3"
	d.Build(name, "v3", dockertest.Plain)
	d.Run("image", "push", "--quiet", name)
	d.Run("image", "rm", name)
	d.stageFiles("v3", nil)
	a = d.image("v3", Image{From: "pull", Source: name})
	require.NoError(t, a.err, a.stderr)
	require.Len(t, d.images(), 4)
	a = d.replace(pack(t, "v3", nil), d.container("v3"))
	require.NoError(t, a.err, a.stderr)
	d.serves("v3")
}

func TestWhyThereIsNoImageIsSaid(t *testing.T) {
	d := onDock(t)
	build := Image{From: "build", Source: "Dockerfile", Context: "."}
	fails := func(want error, i Image, reason string) {
		t.Helper()
		a := d.image("v1", i)
		require.ErrorIs(t, a.err, want)
		require.Contains(t, a.err.Error(), reason)
	}
	long := "FROM scratch\n" + strings.Repeat("LABEL a="+strings.Repeat("long", 50)+"\n", 5) + "COPY no-such-file /\n"
	d.Build("one:1", "1", dockertest.Plain)
	d.Build("two:1", "2", dockertest.Plain)
	two := filepath.Join(t.TempDir(), "two.tar")
	d.Run("image", "save", "--output", two, "one:1", "two:1")
	d.stageFiles("v1", map[string]string{"Dockerfile": long, "two.tar": read(t, two)})

	fails(ErrCommand, build, "no-such-file: ")
	fails(ErrNoFile, Image{From: "build", Source: "docker/Dockerfile", Context: "."}, "docker/Dockerfile is not in the release")
	fails(ErrCommand, Image{From: "load", Source: "two.tar"}, "the archive two.tar has 2 images, and not one")
	fails(ErrCommand, Image{From: "load", Source: "Dockerfile"}, "docker ended with status 1")
	fails(ErrCommand, Image{From: "pull", Source: "127.0.0.1:1/shop:1"}, "connection refused")
	require.Equal(t, []string{"one:1", "two:1"}, d.images())

	d.env = []string{"DOCKER_HOST=unix:///nowhere"}
	fails(ErrMissingTool, build, "docker does not answer: ")
	d.path = d.path[strings.Index(d.path, ":")+1:]
	bare := t.TempDir() // all but docker
	for _, tool := range strings.Fields("sh flock mkdir mv rm cat dd sleep df id sync") {
		require.NoError(t, os.Symlink("/bin/"+tool, filepath.Join(bare, tool)))
	}
	d.path = bare
	fails(ErrMissingTool, build, "docker is not installed (PATH is "+bare+")")
}
