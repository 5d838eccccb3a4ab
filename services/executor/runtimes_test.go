package executor

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// runs has a host do with applications of one kind.
type runs struct {
	*system
	host *hosttest.Host
	work contract.Work
	end  func() // of the executor
}

func newRuns(t *testing.T, r contract.Runtime, opts ...hosttest.Option) *runs {
	t.Helper()
	s := newSystem(t)
	end := s.executor(nil)
	return &runs{system: s, host: hosttest.Start(t, 1, opts...)[0], work: contract.Work{Runtime: &r}, end: end}
}

func (r *runs) deploy(p contract.Package) (id string, ended contract.JobEndedEvent) {
	r.t.Helper()
	id = r.offer(r.host.Name, contract.DeployJob{Application: app, Work: &r.work, Target: r.target(r.host), Package: p})
	return id, r.await(id, r.host.Name)
}

func (r *runs) rollBack(from, to string) (id string, ended contract.JobEndedEvent) {
	r.t.Helper()
	id = r.offer(r.host.Name, contract.RollbackJob{Application: app, Work: &r.work, Target: r.target(r.host), From: from, To: to})
	return id, r.await(id, r.host.Name)
}

// below is a path below the application.
func (r *runs) below(parts ...string) string {
	return filepath.Join(append([]string{r.host.Home, app.Path}, parts...)...)
}

// current is the release that the link leads to.
func (r *runs) current() string {
	r.t.Helper()
	at, err := os.Readlink(r.below("current"))
	require.NoError(r.t, err)
	return filepath.Base(at)
}

// prepared is the note of the step.
func (r *runs) prepared(id string) string {
	r.t.Helper()
	for _, m := range r.story(id, r.host.Name) {
		if b, ok := m.Body.(contract.JobStepEvent); ok && b.Step == string(deploy.StepPrepare) {
			return b.Note
		}
	}
	require.Fail(r.t, "the step was not done", id)
	return ""
}

// says runs a program below the application and returns what it says.
func (r *runs) says(program string, args ...string) string {
	r.t.Helper()
	out, err := exec.Command(r.below(program), args...).CombinedOutput()
	require.NoError(r.t, err, "%s", out)
	return string(out)
}

// bundle stores a package of these files.
func (r *runs) bundle(version string, files map[string]string) contract.Package {
	r.t.Helper()
	return r.store(version, "shop.zip", "zip", zipOf(r.t, files))
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var raw bytes.Buffer
	z := zip.NewWriter(&raw)
	for _, name := range slices.Sorted(maps.Keys(files)) { // the same files are the same package
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if strings.HasPrefix(files[name], "\x7fELF") {
			header.SetMode(0o755)
		}
		w, err := z.CreateHeader(header)
		require.NoError(t, err)
		_, err = w.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return raw.Bytes()
}

// wheel is a Python package that has a command greet, made by hand.
func wheel(t *testing.T, version string) (name, content string) {
	t.Helper()
	info := "greet-" + version + ".dist-info/"
	files := map[string]string{
		"greet.py":                "def main():\n    print('greet " + version + "')\n",
		info + "METADATA":         "Metadata-Version: 2.1\nName: greet\nVersion: " + version + "\n",
		info + "WHEEL":            "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "entry_points.txt": "[console_scripts]\ngreet = greet:main\n",
	}
	var record strings.Builder
	for name, content := range files {
		sum := sha256.Sum256([]byte(content))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
	}
	files[info+"RECORD"] = record.String() + info + "RECORD,,\n"
	return "greet-" + version + "-py3-none-any.whl", string(zipOf(t, files))
}

// greeter is an application that needs greet, and brings it.
func (r *runs) greeter(version string) contract.Package {
	r.t.Helper()
	name, content := wheel(r.t, version)
	return r.bundle(version, map[string]string{"requirements.txt": "greet==" + version + "\n", "wheels/" + name: content})
}

func TestAJarHasOneNameInAllReleases(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeJava})
	r.work.Link = "zeus.jar"
	id, ended := r.deploy(r.store("0.1.0", "zeus-0.1.0.jar", "file", []byte("jar 0.1.0")))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "started, connect, stage, prepare, switch, clean, succeeded", ran(r.story(id, r.host.Name)))
	require.Equal(t, "jar 0.1.0", read(t, r.below("current/app.jar")))
	require.Equal(t, "jar 0.1.0", read(t, r.below("zeus.jar")))
	_, ended = r.deploy(r.store("0.1.1", "zeus-0.1.1.jar", "file", []byte("jar 0.1.1")))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	at, err := os.Readlink(r.below("current/app.jar"))
	require.NoError(t, err)
	require.Equal(t, "zeus-0.1.1.jar", at, "so what runs can be read from it")

	id, ended = r.rollBack("0.1.1", "")
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "the release was prepared before", r.prepared(id))
	require.Equal(t, "jar 0.1.0", read(t, r.below("zeus.jar")))

	_, ended = r.deploy(r.bundle("0.2.0", map[string]string{"a.jar": "a", "b.jar": "b"}))
	require.Equal(t, contract.FailFileMissing, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "more than one file could be run, so which must be said: a.jar b.jar")
	require.Equal(t, "0.1.0", r.current())
	r.work.Runtime.Entry = &contract.Entry{Link: "zeus.jar", File: "b.jar"}
	_, ended = r.deploy(r.bundle("0.2.0", map[string]string{"a.jar": "a", "b.jar": "b"}))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "b", read(t, r.below("current/zeus.jar")))
}

func TestABinaryHasOneNameInAllReleasesAndCanRun(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeGolang, Entry: &contract.Entry{Link: "zeus"}})
	_, ended := r.deploy(r.store("1", "zeus-1", "file", []byte("#!/bin/sh\necho 1")))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "1\n", r.says("current/zeus"))
	_, ended = r.deploy(r.bundle("2", map[string]string{"zeus-2": "#!/bin/sh\necho 2"}))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "2\n", r.says("current/zeus"), "what came without the bit can be executed, too")
	_, ended = r.deploy(r.bundle("3", map[string]string{"zeus": "taken", "other": ""}))
	require.Equal(t, contract.FailFileMissing, ended.Failure.Code)
}

func TestAScriptRunsOnceTheReleaseIsThere(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeScript, Script: &contract.Script{
		Text: "#!/bin/bash\nsource <(echo 'x=\"$DEPLOYMENT_ID\"')\necho \"$x ${PWD##*/} $SLIPWAY_KIND $0\" >>\"$HOME/told\"\n[[ ! -e fail ]]\n",
	}})
	r.work.Environment = []contract.Variable{{Name: "DEPLOYMENT_ID", Value: "it's 'one'"}}
	id, ended := r.deploy(r.upload("1.0", 10))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "started, connect, stage, switch, restart, clean, succeeded", ran(r.story(id, r.host.Name)))
	require.Regexp(t, "^it's 'one' 1.0 deploy /.*\n$", told(t, r.host))
	_, ended = r.deploy(r.bundle("2.0", map[string]string{"fail": ""}))
	require.Equal(t, contract.FailCommand, ended.Failure.Code)
	require.Equal(t, "script: the command failed: it ended with status 1", ended.Failure.Reason)
	require.Contains(t, told(t, r.host), " 2.0 deploy ")
	_, ended = r.rollBack("2.0", "")
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Contains(t, told(t, r.host), " 1.0 rollback ")
	require.NoFileExists(t, r.below(".slipway/script"))

	r.work.Runtime.Script = &contract.Script{Path: "bin/deploy"}
	_, ended = r.deploy(r.bundle("3.0", map[string]string{"bin/deploy": "echo of the release >>\"$HOME/told\""}))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "of the release\n", told(t, r.host))
}

func TestTheDirectoryOfAScriptIsFoundElsewhereBeforeItRuns(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeScript, Script: &contract.Script{Path: "script", Directory: "site"}})
	r.work.Link = filepath.Join(filepath.Dir(r.below("")), "site")
	r.work.Environment = []contract.Variable{{Name: "SITE", Value: r.work.Link}}
	script := "cd \"$SITE\" && ls >>\"$HOME/told\" && echo %s >made"
	for _, version := range []string{"1", "2"} {
		_, ended := r.deploy(r.bundle(version, map[string]string{"script": fmt.Sprintf(script, version), "site/keep": ""}))
		require.Equal(t, "succeeded", ended.State, ended.Failure)
		require.Equal(t, version+"\n", read(t, r.work.Link+"/made"))
		require.Equal(t, "keep\n", told(t, r.host), "each release has its own")
	}
}

func TestAnEnvironmentOfPythonLiesBesideItsRelease(t *testing.T) {
	for _, kind := range []string{contract.RuntimeUV, contract.RuntimeFallback} {
		t.Run(kind, func(t *testing.T) {
			r := newRuns(t, contract.Runtime{Kind: kind, Python: &contract.Python{FindLinks: "wheels", Offline: true, UV: uvIn(t)}})
			first, second := r.greeter("1.0"), r.greeter("2.0")
			id, ended := r.deploy(first)
			require.Equal(t, "succeeded", ended.State, ended.Failure)
			require.Equal(t, "greet 1.0\n", r.says("current/.venv/bin/greet"))
			require.Contains(t, strings.Join(texts(r.output(id, r.host.Name), "stderr"), "\n"), "greet", "what the tool says is heard")
			_, ended = r.deploy(second)
			require.Equal(t, "succeeded", ended.State, ended.Failure)
			require.Equal(t, "greet 2.0\n", r.says("current/.venv/bin/greet"))

			require.NoError(t, os.Remove(r.below("releases/1.0/.venv/bin/python")), "as an upgrade of the system may")
			id, ended = r.rollBack("2.0", "")
			require.Equal(t, "succeeded", ended.State, ended.Failure)
			require.Equal(t, "started, connect, prepare, switch, clean, succeeded", ran(r.story(id, r.host.Name)))
			require.Equal(t, "greet 1.0\n", r.says("current/.venv/bin/greet"), "it was made anew")
			id, _ = r.deploy(second)
			require.Equal(t, "the release was prepared before", r.prepared(id))

			_, ended = r.deploy(r.bundle("3.0", map[string]string{"requirements.txt": "missing==1", "wheels/none": ""}))
			require.Equal(t, contract.FailPrepare, ended.Failure.Code)
			require.Contains(t, ended.Failure.Reason, "missing")
			require.Equal(t, "2.0", r.current())
			_, ended = r.deploy(r.bundle("4.0", map[string]string{"app.py": ""}))
			require.Equal(t, contract.FailFileMissing, ended.Failure.Code)
			require.Contains(t, ended.Failure.Reason, "requirements.txt is not in the release")
		})
	}
}

// requireEnded waits until the process is gone that a file names.
func requireEnded(t *testing.T, pidfile string) {
	t.Helper()
	process := "/proc/" + strings.TrimSpace(read(t, pidfile))
	require.Eventually(t, func() bool { _, err := os.Stat(process); return os.IsNotExist(err) }, patience, 5*time.Millisecond, "it still runs")
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}

// uvIn is the uv that `make deps` installs.
func uvIn(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	uv := filepath.Join(dir, "../../build/uv/bin/uv")
	require.FileExists(t, uv, "make deps")
	return uv
}

func TestALockOfUVIsWhatUVInstalls(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeUV, Python: &contract.Python{UV: uvIn(t), Offline: true}})
	name, content := wheel(t, "1.0")
	project := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(project, "wheels"), 0o755))
	files := map[string]string{
		"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"greet\"]\n\n" +
			"[tool.uv.sources]\ngreet = {path = \"wheels/" + name + "\"}\n",
		"wheels/" + name: content,
	}
	for file, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(project, file), []byte(content), 0o644))
	}
	lock := exec.Command(uvIn(t), "lock", "--offline", "--python", "/usr/bin/python3")
	lock.Dir = project
	out, err := lock.CombinedOutput()
	require.NoError(t, err, "%s", out)
	files["uv.lock"] = read(t, filepath.Join(project, "uv.lock"))

	_, ended := r.deploy(r.bundle("1.0", files))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "greet 1.0\n", r.says("current/.venv/bin/greet"))
	files["uv.lock"] = strings.Replace(files["uv.lock"], "sha256:", "sha256:0", 1)
	_, ended = r.deploy(r.bundle("2.0", files))
	require.Equal(t, contract.FailPrepare, ended.Failure.Code, "the lock is believed, and nothing else")
	require.Equal(t, "1.0", r.current())
}

func TestAutoIsWhatTheHostHas(t *testing.T) {
	options := &contract.Python{FindLinks: "wheels", Offline: true}
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeAuto, Python: options})
	id, ended := r.deploy(r.greeter("1.0"))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "the host has fallback", r.prepared(id))
	require.NoError(t, os.MkdirAll(filepath.Join(r.host.Home, ".local/bin"), 0o755))
	require.NoError(t, os.Symlink(uvIn(t), filepath.Join(r.host.Home, ".local/bin/uv")), "as its installer does")
	id, ended = r.deploy(r.greeter("2.0"))
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "the host has uv", r.prepared(id))
	id, ended = r.rollBack("2.0", "")
	require.Equal(t, "succeeded", ended.State, ended.Failure)
	require.Equal(t, "the release was prepared before, by fallback", r.prepared(id))
	require.Equal(t, "greet 1.0\n", r.says("current/.venv/bin/greet"))
}

func TestWhatAHostHasNotIsNamed(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeUV})
	p := r.upload("1.0", 10)
	for kind, missing := range map[string]string{
		contract.RuntimeUV: "uv is not installed", contract.RuntimeFallback: "python9 is not installed",
		contract.RuntimeAuto: "; python9 is not installed",
	} {
		r.work.Runtime = &contract.Runtime{Kind: kind, Python: &contract.Python{Interpreter: "python9"}}
		_, ended := r.deploy(p)
		require.Equal(t, contract.FailMissingTool, ended.Failure.Code)
		require.Contains(t, ended.Failure.Reason, missing)
		require.False(t, ended.Changed)
	}
}

func TestAnEnvironmentThatWasCutShortIsMadeAnew(t *testing.T) {
	for name, cut := range map[string]func(r *runs, stop func()){
		"the executor dies":     func(r *runs, stop func()) { stop(); r.executor(takesUp) },
		"the connection is cut": func(r *runs, _ func()) { r.host.KillSessions() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			stop := s.executor(crashes)
			r := &runs{system: s, host: hosttest.Start(t, 1)[0]}
			python := filepath.Join(t.TempDir(), "python")
			require.NoError(t, os.WriteFile(python, []byte(`#!/bin/sh
if [ "$2" = venv ] && [ ! -e "$HOME/half" ]; then
	mkdir -p .venv/bin && touch .venv/half && echo $$ >"$HOME/half.new" && mv "$HOME/half.new" "$HOME/half"
	exec sleep 600
fi
exec python3 "$@"
`), 0o755))
			r.work.Runtime = &contract.Runtime{Kind: contract.RuntimeFallback, Python: &contract.Python{FindLinks: "wheels", Offline: true, Interpreter: python}}
			id := r.offer(r.host.Name, contract.DeployJob{Application: app, Work: &r.work, Target: r.target(r.host), Package: r.greeter("1.0")})
			half := filepath.Join(r.host.Home, "half")
			require.Eventually(t, func() bool { _, err := os.Stat(half); return err == nil }, patience, 5*time.Millisecond)
			cut(r, stop)
			ended := r.await(id, r.host.Name)
			require.Equal(t, "succeeded", ended.State, ended.Failure)
			require.Equal(t, "greet 1.0\n", r.says("current/.venv/bin/greet"))
			require.NoFileExists(t, r.below("current/.venv/half"))
			requireEnded(t, half)
		})
	}
}

func TestADeploymentThatIsStoppedLeavesNothingAtWork(t *testing.T) {
	r := newRuns(t, contract.Runtime{Kind: contract.RuntimeFallback})
	python := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(python, []byte("#!/bin/sh\n[ \"$2\" != venv ] || { echo $$ >\"$HOME/new\" && mv \"$HOME/new\" \"$HOME/pid\" && exec sleep 600; }\n"), 0o755))
	r.work.Runtime.Python = &contract.Python{Interpreter: python}
	id := r.offer(r.host.Name, contract.DeployJob{Application: app, Work: &r.work, Target: r.target(r.host), Package: r.greeter("1.0")})
	pid := filepath.Join(r.host.Home, "pid")
	require.Eventually(t, func() bool { _, err := os.Stat(pid); return err == nil }, patience, 5*time.Millisecond)
	r.stop(id)
	ended := r.await(id, r.host.Name)
	require.Equal(t, "cancelled", ended.State)
	requireEnded(t, pid)
}
