package simulated

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/jobs"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
)

// realHost runs command lines on this machine, in a home of its own.
type realHost struct{ home string }

func (h realHost) Close() error { return nil }

func (h realHost) Hide(*mask.Mask) {}

func (h realHost) Ask(context.Context, string, string) (string, error) { return "", errNotSimulated }

func (h realHost) Connect(context.Context, string) (net.Conn, error) { return nil, errNotSimulated }

func (h realHost) Perform(context.Context, hostcmd.Command, io.Reader, io.Writer, io.Writer) (hostcmd.Output, error) {
	return hostcmd.Output{}, errNotSimulated
}

func (h realHost) Run(ctx context.Context, c hostcmd.Command, stdin io.Reader) (hostcmd.Output, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Line())
	cmd.Dir, cmd.Env, cmd.Stdin = h.home, []string{"HOME=" + h.home, "PATH=/usr/bin:/bin"}, stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as sshd does: what is left of it is ended as a group
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its exit status tells
	out, code := hostcmd.Parse(stdout.String()), cmd.ProcessState.ExitCode()
	if n := len(out.Results) - 1; n >= 0 && slices.Contains([]string{hostcmd.KeyDone, hostcmd.KeyOver}, out.Results[n].Key) {
		code, _ = strconv.Atoi(out.Results[n].Value)
		out.Results = append([]hostcmd.Result(nil), out.Results[:n]...)
	}
	return out, hostcmd.Check(code, stderr.String())
}

// release is a version with what it takes to stage it.
type release struct {
	hostcmd.Release
	bundle hostcmd.Bundle
	data   []byte
}

func pack(t *testing.T, version, content string) release {
	t.Helper()
	var raw, out bytes.Buffer
	files := tar.NewWriter(&raw)
	require.NoError(t, files.WriteHeader(&tar.Header{Name: "VERSION", Mode: 0o644, Size: int64(len(content))}))
	_, err := files.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, files.Close())
	m, _, err := archive.Build(t.Context(), archive.Source{
		Data: bytes.NewReader(raw.Bytes()), Size: int64(raw.Len()), Format: archive.FormatTar,
	}, archive.Gzip, &out, archive.DefaultLimits())
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(content))
	return release{
		Release: hostcmd.Release{Base: "apps/it's", Version: version, Digest: hex.EncodeToString(sum[:])},
		bundle: hostcmd.Bundle{
			How: hostcmd.Whole, Codec: string(archive.Gzip), SHA256: m.SHA256, Size: m.Size, Manifest: m.Manifest, Files: m.Files, Paths: m.Paths, Unpacked: m.Unpacked,
		},
		data: out.Bytes(),
	}
}

// exchange is one command of a story.
type exchange struct {
	what string
	hostcmd.Command
	stdin []byte
}

// story is what deployments ask of a host, and what goes wrong there.
func story(t *testing.T) []exchange {
	t.Helper()
	var all []exchange
	add := func(what string, stdin []byte) func(hostcmd.Command, error) {
		return func(c hostcmd.Command, err error) {
			require.NoError(t, err)
			all = append(all, exchange{what, c, stdin})
		}
	}
	fence := func(token uint64) hostcmd.Fence {
		return hostcmd.Fence{Installation: "test", Token: token, Wait: time.Minute}
	}
	look := func() { add("inspect", nil)(hostcmd.Inspect("apps/it's")) }
	deploy := func(token uint64, r release, deployment string) {
		add("probe "+r.Version, nil)(hostcmd.Probe(fence(token), r.Release))
		add("stage "+r.Version, r.data)(hostcmd.Stage(fence(token), r.Release, r.bundle, deployment))
		add("switch to "+r.Version, nil)(hostcmd.Switch(fence(token), r.Release, deployment))
		add("clean after "+r.Version, nil)(hostcmd.Clean(fence(token), r.Base, 2))
		look()
	}
	v1, v2, v3, v4 := pack(t, "v1", "one"), pack(t, "v2", "two"), pack(t, "v3", "three"), pack(t, "v4", "four")
	other := pack(t, "v4", "another four")
	look()
	add("switch to what is not there", nil)(hostcmd.Switch(fence(10), v1.Release, "d0"))
	deploy(11, v1, "d1")
	deploy(12, v1, "d1") // another attempt
	deploy(13, v2, "d2")
	deploy(14, v3, "d3")
	add("probe with a token that was overtaken", nil)(hostcmd.Probe(fence(13), v4.Release))
	deploy(15, v4, "d4")
	deploy(16, v3, "d5") // back to what is there
	add("probe of other content", nil)(hostcmd.Probe(fence(17), other.Release))
	add("switch to other content", nil)(hostcmd.Switch(fence(17), other.Release, "d6"))
	return all
}

func TestASimulatedHostAnswersAsARealOne(t *testing.T) {
	host, err := New(0).Dial(t.Context(), contract.Target{Host: "h"})
	require.NoError(t, err)
	real := realHost{home: t.TempDir()}
	for _, e := range story(t) {
		said, saidErr := answer(t, host, e)
		want, wantErr := answer(t, real, e)
		require.Equal(t, want, said, e.what)
		if wantErr == nil {
			require.NoError(t, saidErr, e.what)
			continue
		}
		require.Error(t, saidErr, e.what)
		require.ErrorIs(t, wantErr, saidErr, e.what)
	}
}

// answer returns what a host reports, but for what programs this machine has.
func answer(t *testing.T, h jobs.Host, e exchange) ([]hostcmd.Result, error) {
	t.Helper()
	var stdin io.Reader
	if e.stdin != nil {
		stdin = bytes.NewReader(e.stdin)
	}
	out, err := h.Run(t.Context(), e.Command, stdin)
	return slices.DeleteFunc(out.Results, func(r hostcmd.Result) bool { return r.Key == hostcmd.KeyCodec }), err
}

func TestTheEndOfAContextEndsACommand(t *testing.T) {
	host, err := New(time.Hour).Dial(t.Context(), contract.Target{Host: "h"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	command, err := hostcmd.Inspect("apps/web")
	require.NoError(t, err)
	_, err = host.Run(ctx, command, nil)
	require.ErrorIs(t, err, context.Canceled)
}
