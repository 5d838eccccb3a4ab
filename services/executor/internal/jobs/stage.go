package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// progressEvery is how often a transfer is reported on.
const progressEvery = time.Second

// smallBundle is up to how many bytes, unpacked, are sent as they are: a line of 10 Mbit/s
// takes them in half a second.
const smallBundle = 512 << 10

// mendings is how often a host is sent what it lacks before it is sent everything: once
// to learn what that is, and once to bring it.
const mendings = 2

// found is what connecting tells of the release on the host.
type found struct {
	staged bool // it lies there, complete
	begun  bool // a part of it lies there
	codec  archive.Codec
	target string       // of a rollback: what it goes to; empty: nothing
	made   string       // of a rollback: what that was prepared by
	base   hostcmd.Base // a release to share files with; none without a version
}

// look raises the fence, and reads what is on the host.
func (a *attempt) look(ctx context.Context) (note string, err error) {
	switch a.kind {
	case deploy.KindInit, deploy.KindTraffic, deploy.KindRetire: // the release is not what there is to see
		_, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Claim(a.fence) })
		return "", err
	case deploy.KindRollback:
		out, err := a.run(ctx, nil, func() (hostcmd.Command, error) {
			return hostcmd.Look(a.fence, a.app.Path, a.from, a.to, a.deployment)
		})
		a.current, _ = out.Get(hostcmd.KeyCurrent)
		a.found.target, _ = out.Get(hostcmd.KeyTarget)
		a.found.made, _ = out.Prepared()
		return "", err
	}
	out, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Probe(a.fence, a.release) })
	a.current, _ = out.Get(hostcmd.KeyCurrent)
	var unpacked int64
	if err == nil {
		unpacked, err = a.fetch.wait(ctx)
	}
	if err != nil {
		return "", err
	}
	staged, _ := out.Get(hostcmd.KeyStaged)
	begun, _ := out.Get(hostcmd.KeyBegun)
	a.found = found{staged: staged == "yes", begun: begun == "yes", codec: archive.Gzip}
	switch {
	case unpacked <= smallBundle:
		a.found.codec = archive.None
	case slices.Contains(out.All(hostcmd.KeyCodec), string(archive.Zstd)):
		a.found.codec = archive.Zstd
	}
	a.found.base, _ = out.Base()
	return "", nil
}

// stage brings the release onto the host, beside the one that runs, unless it
// lies there complete.
func (a *attempt) stage(ctx context.Context) (note string, err error) {
	defer a.fetch.stop()
	if a.found.staged {
		return "the release is on the host already", nil
	}
	note, err = a.ship(ctx)
	if errors.Is(err, bundles.ErrDamaged) {
		a.log.Warn().Err(err).Msg("a bundle is made anew")
		note, err = a.ship(ctx)
	}
	return note, err
}

// ship sends as little as will do: what is missing of a transfer that was cut short, what
// another release on the host does not have, or everything.
func (a *attempt) ship(ctx context.Context) (note string, err error) {
	whole, err := a.bundles.Take(ctx, a.pkg)
	if err != nil {
		return "", err
	}
	defer whole.Release()
	if a.found.begun {
		sent, err := a.mend(ctx, whole, hostcmd.Lacks{})
		if sent > 0 {
			return fmt.Sprintf("a transfer that was cut short went on: %s", sentOf(sent, whole)), err
		}
		if err != nil {
			return "", err
		}
	}
	sent, err := a.link(ctx, whole)
	if sent > 0 {
		return fmt.Sprintf("files are shared with release %s: %s", a.found.base.Version, sentOf(sent, whole)), err
	}
	if err != nil {
		return "", err
	}
	how := hostcmd.Whole
	var all *bundles.Bundle
	// A link to a release that is gone would lead to what is being unpacked.
	if a.found.codec == archive.None && a.current != a.release.Version {
		how = hostcmd.Plain
		v := a.release.Version
		all, err = whole.Plain(ctx, archive.Place{Tree: hostcmd.Place(v), Manifest: hostcmd.Listing(v)})
	} else {
		all, err = whole.In(ctx, a.found.codec)
	}
	if err != nil {
		return "", err
	}
	defer all.Release()
	_, _, err = a.send(ctx, all, how)
	return "", err
}

// sentOf says what was sent, compressed or not, of what there is once it is unpacked.
func sentOf(bytes int64, whole *bundles.Bundle) string {
	return fmt.Sprintf("%d bytes were sent, it unpacks to %d", bytes, whole.Unpacked)
}

// place is where the host unpacks what is not the whole.
func (a *attempt) place() archive.Place {
	return archive.Place{Tree: hostcmd.Tree(a.release.Version), Manifest: hostcmd.Listing(a.release.Version), Beside: hostcmd.Beside}
}

// link brings the release onto a host that has another one to share files with. It
// returns the bytes that were sent, or 0 where everything must be.
func (a *attempt) link(ctx context.Context, whole *bundles.Bundle) (sent int64, err error) {
	part, err := a.linked(ctx, whole)
	if part == nil || err != nil {
		return 0, err
	}
	defer part.Release()
	lacks, complete, err := a.send(ctx, part, hostcmd.Linked)
	if complete || err != nil {
		return part.Size, err
	}
	if !lacks.All {
		a.log.Info().Str("base", a.found.base.Version).Msg("files of a release were changed on the host, and are sent anew")
	}
	more, err := a.mend(ctx, whole, lacks)
	if more == 0 || err != nil {
		return 0, err
	}
	return part.Size + more, nil
}

// linked returns the part for a host with this base; nil where there is none, or it
// would not be worth it.
func (a *attempt) linked(ctx context.Context, whole *bundles.Bundle) (*bundles.Bundle, error) {
	base := a.found.base
	if base.Version == "" {
		return nil, nil //nolint:nilnil // said above
	}
	from := bundles.Base{Manifest: base.Manifest, Release: hostcmd.Place(base.Version)}
	part, err := whole.Linked(ctx, a.found.codec, from, a.place())
	if errors.Is(err, bundles.ErrUnknown) {
		if err = a.learn(ctx, base); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			a.log.Info().Err(err).Str("base", base.Version).Msg("the manifest of a release is of no use")
			return nil, nil //nolint:nilnil // said above
		}
		part, err = whole.Linked(ctx, a.found.codec, from, a.place())
	}
	if errors.Is(err, bundles.ErrNoGain) || errors.Is(err, bundles.ErrUnknown) {
		return nil, nil //nolint:nilnil // said above
	}
	return part, err
}

// learn has the cache keep the manifest of a release, as this host or another has it.
func (a *attempt) learn(ctx context.Context, base hostcmd.Base) error {
	command, err := hostcmd.Manifest(a.app.Path, base.Version)
	if err != nil {
		return err
	}
	return a.bundles.Learn(ctx, base.Manifest, func(ctx context.Context) ([]byte, error) { return readManifest(ctx, a.host, command) })
}

func readManifest(ctx context.Context, host Host, command hostcmd.Command) ([]byte, error) {
	out, err := host.Run(ctx, command, nil)
	if err != nil {
		return nil, err
	}
	lines := out.All(hostcmd.KeyFile)
	if len(lines) == 0 {
		return nil, bundles.ErrUnknown
	}
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}

// mend brings what the release on the host lacks. It returns the bytes that were sent,
// or 0 where everything must be.
func (a *attempt) mend(ctx context.Context, whole *bundles.Bundle, lacks hostcmd.Lacks) (sent int64, err error) {
	for range mendings {
		if lacks.All {
			return 0, nil
		}
		part, err := whole.Rest(ctx, a.found.codec, bundles.Missing{
			Place: a.place(), Lacks: lacks.Has,
			CutNumber: lacks.Cut.Number, CutSize: lacks.Cut.Size, CutSHA256: lacks.Cut.SHA256, CutPath: hostcmd.Kept,
		})
		if err != nil {
			return 0, err
		}
		sent += part.Size
		var complete bool
		lacks, complete, err = a.send(ctx, part, hostcmd.Rest)
		part.Release()
		if complete || err != nil {
			return sent, err
		}
	}
	return 0, nil
}

// send brings a bundle onto the host and returns what the release lacks then.
func (a *attempt) send(ctx context.Context, b *bundles.Bundle, how hostcmd.How) (lacks hostcmd.Lacks, complete bool, err error) {
	file, err := b.Open()
	if err != nil {
		return lacks, false, err
	}
	defer func() { _ = file.Close() }()
	a.found.begun = how != hostcmd.Plain // should this be cut short
	sent := hostcmd.Bundle{
		How: how, Codec: string(b.Codec), SHA256: b.SHA256, Size: b.Size, Disk: b.Disk,
		Manifest: b.Manifest, Files: b.Files, Paths: b.Paths, Unpacked: b.Unpacked,
	}
	var out hostcmd.Output
	err = a.transfer(ctx, b, file, func(ctx context.Context, content io.Reader) (err error) {
		out, err = a.run(ctx, content, func() (hostcmd.Command, error) { return hostcmd.Stage(a.fence, a.release, sent, a.deployment) })
		return err
	})
	if errors.Is(err, hostcmd.ErrChecksum) {
		err = cmp.Or(b.Verify(), err)
	}
	lacks, lacking := out.Lacks()
	return lacks, !lacking, err
}

// transfer runs send with the content and reports how much of it was read.
func (a *attempt) transfer(ctx context.Context, b *bundles.Bundle, content io.Reader, send func(context.Context, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m := &meter{Reader: content}
	sent := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		var told int64
		for {
			select {
			case <-sent:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if done := m.read.Load(); done != told {
				told = done
				if err := a.journal.progress(ctx, deploy.StepStage, done, b.Size); errors.Is(err, errSuperseded) {
					cancel(err)
					return
				}
			}
		}
	})
	err := send(ctx, m)
	close(sent)
	reporting.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, errSuperseded) {
		return cause
	}
	return err
}

// meter counts what is read.
type meter struct {
	io.Reader
	read atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.read.Add(int64(n))
	return n, err
}
