package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

const (
	maxSaid   = 16 << 10 // bytes of what git says that are looked at
	maxAnswer = 16 << 20 // bytes of the output of a command that is read whole
	waitDelay = 5 * time.Second
)

// resolve asks the server which commit a ref is. A name that is both a branch and a
// tag is refused: which of them was meant would be a guess.
func (s *session) resolve(ctx context.Context, ref string) (string, error) {
	out, err := s.git(ctx, "", "ls-remote", "--", s.at.String(), ref, ref+"^{}")
	if err != nil {
		return "", err
	}
	found := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if hash, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && isHash(hash) {
			found[name] = hash
		}
	}
	commit := func(name string) string {
		if peeled := found[name+"^{}"]; peeled != "" { // of an annotated tag
			return peeled
		}
		return found[name]
	}
	tag, branch := commit("refs/tags/"+ref), commit("refs/heads/"+ref)
	switch exact := commit(ref); {
	case exact != "": // HEAD, or a full name
		return exact, nil
	case tag != "" && branch != "":
		return "", fmt.Errorf("%w: %s: %q is a tag and a branch: say refs/tags/%s or refs/heads/%s", source.ErrRefused, s.at, ref, ref, ref)
	case tag+branch == "":
		return "", fmt.Errorf("%w: %s: there is no branch and no tag %q", source.ErrGone, s.at, ref)
	default:
		return tag + branch, nil
	}
}

// init makes an empty repository for commits of this kind of hash.
func (s *session) init(ctx context.Context, dir, commit string) error {
	format := "sha1"
	if len(commit) > sha1Length {
		format = "sha256"
	}
	_, err := s.git(ctx, "", "init", "--quiet", "--bare", "--template=", "--object-format="+format, dir)
	return err
}

// fetch fetches into the repository in dir: an option, and what to fetch.
func (s *session) fetch(ctx context.Context, dir string, what ...string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance"}
	for len(what) > 0 && strings.HasPrefix(what[0], "--") {
		args, what = append(args, what[0]), what[1:]
	}
	_, err := s.git(ctx, dir, append(append(args, "--", s.at.String()), what...)...)
	return err
}

// has says whether the repository in dir has the commit.
func (s *session) has(ctx context.Context, dir, commit string) error {
	if _, err := s.git(ctx, dir, "cat-file", "-e", commit+"^{commit}"); err != nil {
		return fmt.Errorf("%w: %s: it has no commit %s in any branch or tag", source.ErrGone, s.at, commit)
	}
	return nil
}

// git runs git and returns what it put out. It fails with one of the errors of
// package source, or errUnadvertised.
func (s *session) git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	said := &head{max: maxSaid}
	cmd, err := s.command(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = &head{to: &out, max: maxAnswer}, said
	if err := cmd.Run(); err != nil {
		return nil, s.explain(ctx, said.String(), err)
	}
	return out.Bytes(), nil
}

// command is git in the repository in dir, bounded in what a file that it writes
// may have. It ends, with all that it started, when ctx does.
func (s *session) command(ctx context.Context, dir string, args ...string) (*exec.Cmd, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("%w: there is no git on its machine", source.ErrRefused)
	}
	blocks := strconv.FormatInt(s.opts.Max/512+1, 10)
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `ulimit -f "$0" && exec "$@"`, blocks, program}, args...)...)
	cmd.Env = s.env
	cmd.Dir = s.home
	if dir != "" {
		cmd.Dir = dir
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "GIT_DIR="+dir)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	return cmd, nil
}

// signs is what git, ssh and curl say, and what it means. The first that fits
// decides.
var signs = []struct {
	said string
	is   error
	why  string
}{
	{"not our ref", errUnadvertised, ""},
	{"unadvertised object", errUnadvertised, ""},
	{"signal 25", source.ErrTooLarge, ""}, // SIGXFSZ
	{"File too large", source.ErrTooLarge, ""},
	{"No space left on device", source.ErrLocal, "no space is left"},
	{"Host key verification failed", source.ErrDenied, "its server shows another host key than host_key says"},
	{"Permission denied (", source.ErrDenied, "its server does not take the private key"},
	{"Authentication failed", source.ErrDenied, "its server takes neither the user name nor the password"},
	{"could not read Username", source.ErrDenied, "its server wants a user name and a password, or has no such repository"},
	{"returned error: 401", source.ErrDenied, "its server answers 401"},
	{"returned error: 403", source.ErrDenied, "its server answers 403"},
	{"returned error: 404", source.ErrGone, "its server answers 404"},
	{"Repository not found", source.ErrGone, "there is no such repository"},
	{"repository '", source.ErrGone, "there is no such repository"},
	{"does not appear to be a git repository", source.ErrGone, "there is no git repository"},
	{"does not exist", source.ErrGone, "there is no such repository"},
	{"unable to update url base from redirection", source.ErrRefused, "its server redirects; give the address that it leads to"},
	{"returned error: 30", source.ErrRefused, "its server redirects; give the address that it leads to"},
	{"transport '", source.ErrRefused, "its protocol is not allowed"},
	{"certificate", source.ErrRefused, "its server shows a certificate that is not trusted"},
	{"Connection refused", source.ErrUnreachable, "its server refuses connections"},
	{"Failed to connect", source.ErrUnreachable, "its server does not answer"},
	{"timed out", source.ErrUnreachable, "its server does not answer in time"},
	{"too slow", source.ErrUnreachable, "its server stalls"},
	{"returned error: 429", source.ErrUnreachable, "its server answers 429"},
	{"returned error: 5", source.ErrUnreachable, "its server answers with an error of its own"},
}

// explain is why a command failed. What it said is not repeated: a server may have
// said it, and nobody knows what it quotes.
func (s *session) explain(ctx context.Context, said string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s: git was ended", source.ErrUnreachable, s.at)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGXFSZ {
		return fmt.Errorf("%w: %s", source.ErrTooLarge, s.at)
	}
	for _, sign := range signs {
		if strings.Contains(said, sign.said) {
			return fmt.Errorf("%w: %s: %s", sign.is, s.at, sign.why)
		}
	}
	return fmt.Errorf("%w: %s: git gives up: %w", source.ErrUnreachable, s.at, err)
}

// head keeps, or passes on, the first max bytes of what is written to it.
type head struct {
	to   io.Writer // nil: kept here
	kept bytes.Buffer
	max  int
}

func (h *head) Write(p []byte) (int, error) {
	to := h.to
	if to == nil {
		to = &h.kept
	}
	n := min(len(p), h.max)
	h.max -= n
	if _, err := to.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (h *head) String() string { return h.kept.String() }

const sha1Length = 40

// isHash says whether s is the full hash of an object.
func isHash(s string) bool {
	return (len(s) == sha1Length || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
