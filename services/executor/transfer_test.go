package executor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// uploadFiles stores a package of these files and of VERSION.
func (s *system) uploadFiles(version string, files map[string][]byte) contract.Package {
	s.t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	all := maps.Clone(files)
	all["VERSION"] = []byte(version)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		require.NoError(s.t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(all[name])), Typeflag: tar.TypeReg}))
		_, err := w.Write(all[name])
		require.NoError(s.t, err)
	}
	require.NoError(s.t, w.Close())
	sum := sha256.Sum256(raw.Bytes())
	p := contract.Package{
		ID: xid.New().String(), Version: version, Filename: "shop.tar", Format: "tar", Size: int64(raw.Len()), SHA256: hex.EncodeToString(sum[:]),
	}
	store, err := s.bus.JetStream().ObjectStore(s.t.Context(), contract.ObjectsPackages)
	require.NoError(s.t, err)
	_, err = store.PutBytes(s.t.Context(), p.ID, raw.Bytes())
	require.NoError(s.t, err)
	return p
}

// manyFiles are count files of size bytes of noise each.
func manyFiles(count, size int) map[string][]byte {
	noise := rand.NewChaCha8([32]byte{1})
	files := map[string][]byte{}
	for i := range count {
		content := make([]byte, size)
		_, _ = noise.Read(content)
		files[fmt.Sprintf("lib/%03d", i)] = content
	}
	return files
}

// ship deploys a package and returns what the step stage noted.
func (s *system) ship(h *hosttest.Host, p contract.Package) string {
	s.t.Helper()
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: p})
	ended := s.await(id, h.Name)
	require.Equal(s.t, "succeeded", ended.State, "%v", ended.Failure)
	require.Equal(s.t, p.Version, current(s.t, h))
	return s.stageNote(id, h)
}

func (s *system) stageNote(deployment string, h *hosttest.Host) (note string) {
	s.t.Helper()
	for _, m := range s.story(deployment, h.Name) {
		if e, ok := m.Body.(contract.JobStepEvent); ok && e.Step == string(deploy.StepStage) && e.EndedAt != nil {
			note = e.Note
		}
	}
	return note
}

var ofBytes = regexp.MustCompile(`(\d+) bytes were sent, it unpacks to (\d+)`)

// requireSent says that at most so many percent of the package were sent. What is in it does not
// compress.
func requireSent(t *testing.T, note string, percent int) {
	t.Helper()
	told := ofBytes.FindStringSubmatch(note)
	require.NotNil(t, told, "%q", note)
	sent, _ := strconv.Atoi(told[1])
	whole, _ := strconv.Atoi(told[2])
	require.LessOrEqual(t, sent*100, whole*percent, note)
}

func requireContent(t *testing.T, h *hosttest.Host, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		got, err := os.ReadFile(filepath.Join(h.Home, app.Path, "current", name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, got), name)
	}
}

func TestARepeatSendsWhatChanged(t *testing.T) {
	s := newSystem(t)
	stop := s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	files := manyFiles(100, 4096)
	require.Empty(t, s.ship(h, s.uploadFiles("1.0", files)))

	files["lib/007"] = []byte("changed")
	note := s.ship(h, s.uploadFiles("2.0", files))
	require.Contains(t, note, "shared with release 1.0")
	requireSent(t, note, 10)
	requireContent(t, h, files)

	// An executor that never shipped the release on the host asks the host for its manifest.
	stop()
	s.executor(nil)
	files["lib/008"] = []byte("changed")
	note = s.ship(h, s.uploadFiles("3.0", files))
	require.Contains(t, note, "shared with release 2.0")
	requireSent(t, note, 10)
	requireContent(t, h, files)

	// What was changed on the host since is sent.
	require.NoError(t, os.WriteFile(filepath.Join(h.Home, app.Path, "current/lib/009"), []byte("patched"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(h.Home, app.Path, "current/lib/099")))
	files["lib/010"] = []byte("changed")
	requireSent(t, s.ship(h, s.uploadFiles("4.0", files)), 20)
	requireContent(t, h, files)

	require.Empty(t, s.ship(h, s.uploadFiles("5.0", map[string][]byte{"all": []byte("other")})), "nothing is shared")
}

func TestAReleaseThatIsGoneFromUnderTheLinkComesBackWhole(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	files := manyFiles(3, 1000)
	p := s.uploadFiles("1.0", files)
	s.ship(h, p)
	require.NoError(t, os.RemoveAll(filepath.Join(h.Home, app.Path, "releases/1.0")))
	s.ship(h, p)
	requireContent(t, h, files)
}

func TestATransferThatIsCutGoesOnWhereItStopped(t *testing.T) {
	s := newSystem(t)
	s.executor(func(c *Config) { c.Job.Tries = 10 })
	h := hosttest.Start(t, 1)[0]
	files := manyFiles(400, 64<<10)
	way := newMidway(t, h, 20<<20) // of 25
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: way.to(s.target(h)), Package: s.uploadFiles("1.0", files)})
	way.await()
	part := filepath.Join(h.Home, app.Path, ".slipway/stage/tree/1.0/lib/200")
	require.Eventually(t, func() bool {
		_, err := os.Stat(part)
		return err == nil
	}, patience, time.Millisecond)
	h.KillSessions()
	way.open()
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	requireContent(t, h, files)
	note := s.stageNote(id, h)
	require.Contains(t, note, "went on")
	requireSent(t, note, 60)
}

func TestALargeFileThatChangedALittleIsMadeOfWhatItWas(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	files := manyFiles(1, 4<<20)
	s.ship(h, s.uploadFiles("1.0", files))
	files["lib/000"] = slices.Concat([]byte("before"), files["lib/000"])
	requireSent(t, s.ship(h, s.uploadFiles("2.0", files)), 5)
	requireContent(t, h, files)
}

// shipCut deploys one file of 40 MiB over a way that breaks after 30, and returns what the step
// stage noted once the job has come to its end.
func (s *system) shipCut(h *hosttest.Host) (note string) {
	s.t.Helper()
	s.executor(func(c *Config) { c.Job.Tries = 10 })
	files := manyFiles(1, 40<<20)
	way := newMidway(s.t, h, 30<<20)
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: way.to(s.target(h)), Package: s.uploadFiles("1.0", files)})
	way.await()
	part := filepath.Join(h.Home, app.Path, ".slipway/stage/tree/1.0/lib/000")
	require.Eventually(s.t, func() bool {
		info, err := os.Stat(part)
		return err == nil && info.Size() > 20<<20
	}, patience, time.Millisecond)
	h.KillSessions()
	way.open()
	ended := s.await(id, h.Name)
	require.Equal(s.t, "succeeded", ended.State, "%v", ended.Failure)
	requireContent(s.t, h, files)
	return s.stageNote(id, h)
}

func TestALargeFileThatWasCutGoesOnWhereItStopped(t *testing.T) {
	s := newSystem(t)
	requireSent(t, s.shipCut(hosttest.Start(t, 1)[0]), 55)
}

// TestWhereTheRestDoesNotFitAllOfItMay has a disk that does not hold the beginning of a file, its
// end, and both together.
func TestWhereTheRestDoesNotFitAllOfItMay(t *testing.T) {
	s := newSystem(t)
	require.NotContains(t, s.shipCut(hosttest.Start(t, 1, hosttest.WithSmallDisk(56<<20))[0]), "went on")
}

func TestWhatDoesNotFitIsNotSent(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1, hosttest.WithSmallDisk(8<<20))[0]
	s.ship(h, s.upload("1.0", 1<<10))
	// What it takes is more than its upload tells.
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	files := tar.NewWriter(zipped)
	for name, content := range map[string][]byte{"noise": noise("2.0", 256<<10), "zeros": make([]byte, 16<<20)} {
		require.NoError(t, files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err := files.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, files.Close())
	require.NoError(t, zipped.Close())
	require.Less(t, packed.Len(), 1<<20)

	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.store("2.0", "shop.tar.gz", "tar.gz", packed.Bytes())})
	ended := s.await(id, h.Name)
	require.Equal(t, contract.FailDiskFull, ended.Failure.Code)
	require.Regexp(t, `apps/shop has \d+ KiB free, the release takes \d+ KiB`, ended.Failure.Reason)
	require.Equal(t, "started, connect running, connect succeeded, stage running, stage failed, failed", steps(s.story(id, h.Name)))
	require.Equal(t, "1.0", ended.Release)
	require.Equal(t, "1.0", current(t, h))
}
