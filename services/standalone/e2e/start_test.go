package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// obstacle is why standalone cannot start, and what it has to say about that.
type obstacle struct {
	after bool                                               // the directory was used before
	put   func(t *testing.T, s *standalone) (culprit string) // what the message must name
	says  []string                                           // what else it must hold: what is wrong, and what to do
}

var obstacles = map[string]obstacle{
	"port of the API is taken": {
		put: func(t *testing.T, s *standalone) string {
			address := occupy(t)
			s.process.args = append(s.process.args, "--gateway-listen", address)
			return address
		},
		says: []string{"taken", "set listen to another"},
	},
	"port of the broker is taken": {
		put: func(t *testing.T, s *standalone) string {
			address := occupy(t)
			s.process.args = append(s.process.args, "--nats-listen", address)
			return address
		},
		says: []string{"in use", "choose another port"},
	},
	"data directory is in use": {
		after: true,
		put: func(t *testing.T, s *standalone) string {
			first := newProcess(t, s.dir, "first", "slipway-standalone", s.process.args[1:]...)
			first.start()
			first.awaitLog(`Slipway listens on`)
			return s.data
		},
		says: []string{"in use", "process", "choose another directory"},
	},
	"data directory cannot be made": {
		put: func(t *testing.T, s *standalone) string {
			require.NoError(t, os.WriteFile(s.data, nil, 0o600)) // a file has its name
			return s.data
		},
		says: []string{"not writable", "choose another directory"},
	},
	"data directory cannot be written": {
		put: func(t *testing.T, s *standalone) string {
			require.NoError(t, os.Mkdir(s.data, 0o700))
			require.NoError(t, syscall.Mount("tmpfs", s.data, "tmpfs", syscall.MS_RDONLY, ""))
			t.Cleanup(func() { require.NoError(t, syscall.Unmount(s.data, syscall.MNT_DETACH)) })
			return s.data
		},
		says: []string{"not writable", "choose another directory"},
	},
	"document file is cut off": {
		after: true,
		put: func(t *testing.T, s *standalone) string {
			file := documentFile(t, s)
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(file, info.Size()/2))
			return file
		},
		says: []string{"damaged", "move"},
	},
	"document file is garbled": {
		after: true,
		put: func(t *testing.T, s *standalone) string {
			file := documentFile(t, s)
			overwrite(t, file, 0, 512)
			return file
		},
		says: []string{"damaged", "move"},
	},
	"description of a stream is garbled": {
		after: true,
		put: func(t *testing.T, s *standalone) string {
			file := filepath.Join(s.data, "nats", "jetstream", "$G", "streams", "EV", "meta.inf")
			overwrite(t, file, 10, 20)
			return filepath.Dir(file)
		},
		says: []string{"damaged", "backup"},
	},
	"sealing key is damaged": {
		after: true,
		put: func(t *testing.T, s *standalone) string {
			file := filepath.Join(s.data, "seal.key")
			overwrite(t, file, 20, 10)
			return file
		},
		says: []string{"backup"},
	},
	"sealing key is open to others": {
		after: true,
		put: func(t *testing.T, s *standalone) string {
			file := filepath.Join(s.data, "seal.key")
			require.NoError(t, os.Chmod(file, 0o644))
			return file
		},
		says: []string{"chmod 600"},
	},
}

func TestAStartThatCannotSucceedSaysInOneLineWhatToDo(t *testing.T) {
	t.Parallel()
	for what, o := range obstacles {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newStandalone(t)
			if o.after {
				s.leaveSomething(t)
			}
			culprit := o.put(t, s)
			s.process.start()
			require.Equal(t, 1, s.process.awaitExit(), "%s", s.process.output())
			said := plainLines(s.process.output())
			require.Len(t, said, 1, "one line, beside the log: %q", said)
			t.Log(said[0])
			require.Contains(t, said[0], "slipway-standalone: ")
			for _, part := range append(o.says, culprit) {
				require.Contains(t, said[0], part)
			}
		})
	}
}

// leaveSomething runs standalone once, so that its files hold a server, a deployment and a document.
func (s *standalone) leaveSomething(t *testing.T) {
	t.Helper()
	s.begin(t)
	names := s.addAll(t, hosttest.Start(t, 1))
	s.uploadVersions(t, 0, "v1")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: names}).ID)
	require.Zero(t, s.process.terminate())
}

// plainLines are the lines of an output that are not of the log.
func plainLines(output string) []string {
	var plain []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "{") {
			plain = append(plain, line)
		}
	}
	return plain
}

// occupy listens on a port until the test ends.
func occupy(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func documentFile(t *testing.T, s *standalone) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.data, "store", "*.sqlite"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

// overwrite puts bytes that mean nothing over a part of a file.
func overwrite(t *testing.T, file string, at int64, count int) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte(strings.Repeat("\xa5", count)), at)
	require.NoError(t, err)
}

func TestAllMistakesInTheConfigurationAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	for binary, mistakes := range map[string][]string{
		"slipway-standalone": {
			"--gateway-listen=nowhere", "--nats-listen=0.0.0.0:4222", "--nats-retention=1s", "--executor-slots=0",
			"--executor-ssh-keep-alive=soon", "--scheduler-sweep=0s", "--log-level=loud", "--no-such-setting=1",
		},
		"slipway-gateway":   {"--listen=nowhere", "--limits-max-json=1", "--nats-replicas=2", "--log-format=xml"},
		"slipway-executor":  {"--slots=-1", "--job-ack-wait=1ms", "--seal-private-key-file=/nowhere", "--nats-retention=1s"},
		"slipway-scheduler": {"--sweep=never", "--nats-url="},
		"slipway-history":   {"--store-uri=http://localhost", "--store-database=a/b"},
	} {
		p := newProcess(t, workDir(t), binary, binary, mistakes...)
		p.start()
		require.Equal(t, 2, p.awaitExit(), "%s: %s", binary, p.output())
		for _, mistake := range mistakes {
			flag, value, _ := strings.Cut(mistake, "=")
			require.True(t, strings.Contains(p.output(), flag) || value != "" && strings.Contains(p.output(), value),
				"%s says nothing of %s: %s", binary, mistake, p.output())
		}
	}
}
