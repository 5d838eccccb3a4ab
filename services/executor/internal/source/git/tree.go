package git

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

const (
	maxDepth      = 8   // submodules within submodules
	maxSubmodules = 200 // of one package
	maxTarget     = 4 << 10
)

// walk writes the tree of a commit, and those of its submodules, to an archive.
type walk struct {
	git        *Git
	work       string // directory for repositories
	out        *archive
	root       place // whose server the credential is for
	access     access
	submodules bool
	count      int // of repositories
}

// repository writes what a source names below the prefix, which is "" or ends with
// a slash.
func (w *walk) repository(ctx context.Context, at place, s contract.GitSource, prefix string, depth int) error {
	if w.count++; depth > maxDepth || w.count > maxSubmodules {
		return fmt.Errorf("%w: %s: it has too many submodules", source.ErrRefused, w.root)
	}
	a := access{}
	if at.same(w.root) {
		a = w.access
	}
	dir := filepath.Join(w.work, strconv.Itoa(w.count))
	if err := w.git.commit(ctx, at, a, s.Commit, s.Ref, dir); err != nil {
		return err
	}
	// What follows reads the repository alone: it needs no access to the server.
	on, err := w.git.open(ctx, at, access{})
	if err != nil {
		return err
	}
	defer on.close()
	r := &reading{on: on, dir: dir, commit: s.Commit, below: s.Directory}
	return w.tree(ctx, at, r, prefix, depth)
}

func (w *walk) tree(ctx context.Context, at place, r *reading, prefix string, depth int) error {
	entries, err := r.list(ctx)
	if err != nil {
		return err
	}
	objects, err := r.objects(ctx)
	if err != nil {
		return err
	}
	defer objects.close()
	for _, e := range entries {
		name := prefix + e.name
		switch e.mode {
		case "100644", "100664", "100755":
			err = objects.file(w.out, name, e, r.at)
		case "120000":
			err = objects.link(w.out, name, e, r.at)
		case "160000":
			err = w.submodule(ctx, at, r, e, name, depth)
		default:
			err = fmt.Errorf("%w: %s: %q is of an unknown kind", source.ErrRefused, at, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// submodule writes a submodule; where they are not asked for, an empty directory,
// as git itself does.
func (w *walk) submodule(ctx context.Context, parent place, r *reading, e entry, name string, depth int) error {
	if err := w.out.directory(name, r.at); err != nil || !w.submodules {
		return err
	}
	text, err := r.submoduleURL(ctx, path.Join(r.below, e.name))
	if err != nil {
		return err
	}
	at, err := w.git.submodule(parent, text)
	if err != nil {
		return fmt.Errorf("submodule %s: %w", name, err)
	}
	if err := w.repository(ctx, at, contract.GitSource{Commit: e.hash}, name+"/", depth+1); err != nil {
		return fmt.Errorf("submodule %s: %w", name, err)
	}
	return nil
}

// entry is one file, link or submodule of a tree.
type entry struct{ mode, hash, name string }

// reading is a commit in a repository on this machine.
type reading struct {
	on     *session
	dir    string
	commit string
	below  string // directory of the tree that is read; "": all of it
	at     time.Time
}

// list returns the entries in the order of git, and finds the time of the commit.
func (r *reading) list(ctx context.Context) ([]entry, error) {
	stamp, err := r.on.git(ctx, r.dir, "show", "-s", "--format=%ct", r.commit)
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(stamp)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %s is no commit", source.ErrRefused, r.on.at, r.commit)
	}
	r.at = time.Unix(seconds, 0)
	tree := r.commit
	if r.below != "" {
		tree += ":" + r.below
	}
	out, err := r.on.git(ctx, r.dir, "ls-tree", "-r", "-z", "--full-tree", tree)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: %s: its commit %s has no directory %q", source.ErrGone, r.on.at, r.commit, r.below)
	}
	if err != nil || len(out) == 0 {
		return nil, err
	}
	var entries []entry
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		about, name, ok := strings.Cut(line, "\t")
		f := strings.Fields(about)
		if !ok || len(f) != 3 {
			return nil, fmt.Errorf("%w: %s: its tree cannot be read, or is too large", source.ErrRefused, r.on.at)
		}
		entries = append(entries, entry{mode: f[0], hash: f[2], name: name})
	}
	return entries, nil
}

// submoduleURL finds the URL of the submodule at a path in .gitmodules.
func (r *reading) submoduleURL(ctx context.Context, at string) (string, error) {
	out, err := r.on.git(ctx, r.dir, "config", "-z", "--blob", r.commit+":.gitmodules", "--get-regexp", `^submodule\..*\.(path|url)$`)
	if err != nil {
		return "", fmt.Errorf("%w: %s: it has a submodule at %q and no readable .gitmodules", source.ErrRefused, r.on.at, at)
	}
	urls, name := map[string]string{}, ""
	for pair := range strings.SplitSeq(string(out), "\x00") {
		key, value, _ := strings.Cut(pair, "\n")
		if of, ok := strings.CutSuffix(key, ".url"); ok {
			urls[of] = value
		} else if of, ok := strings.CutSuffix(key, ".path"); ok && path.Clean(value) == at {
			name = of
		}
	}
	if name == "" || urls[name] == "" {
		return "", fmt.Errorf("%w: %s: .gitmodules does not say where the submodule at %q is", source.ErrRefused, r.on.at, at)
	}
	return urls[name], nil
}

// objects reads objects by their hashes: one process for all of them.
type objects struct {
	in   io.WriteCloser
	out  *bufio.Reader
	pipe io.Closer // below out
	wait func() error
	at   place
}

func (r *reading) objects(ctx context.Context) (*objects, error) {
	cmd, err := r.on.command(ctx, r.dir, "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, local(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, local(err)
	}
	if err := cmd.Start(); err != nil {
		return nil, local(err)
	}
	return &objects{in: in, out: bufio.NewReaderSize(out, 256<<10), pipe: out, wait: cmd.Wait, at: r.on.at}, nil
}

// close ends the process.
func (o *objects) close() {
	_, _ = o.in.Close(), o.pipe.Close() // or it waits for somebody to read what it has begun to write
	_ = o.wait()                        // what it could still say was read, or is of no interest
}

// open asks for a file and returns its size; the content is what o.out gives next.
func (o *objects) open(hash string) (size int64, err error) {
	if _, err := io.WriteString(o.in, hash+"\n"); err != nil {
		return 0, local(err)
	}
	line, err := o.out.ReadString('\n')
	if err != nil {
		return 0, local(err)
	}
	f := strings.Fields(line)
	if len(f) != 3 || f[0] != hash || f[1] != "blob" {
		return 0, fmt.Errorf("%w: %s: it does not have all of its commit", source.ErrUnreachable, o.at)
	}
	if size, err = strconv.ParseInt(f[2], 10, 64); err != nil {
		return 0, local(err)
	}
	return size, nil
}

// done reads the newline after a file.
func (o *objects) done() error {
	_, err := o.out.Discard(1)
	return local(err)
}

func (o *objects) file(to *archive, name string, e entry, at time.Time) error {
	size, err := o.open(e.hash)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if e.mode == "100755" {
		mode = 0o755
	}
	if err := to.file(name, mode, at, size, o.out); err != nil {
		return err
	}
	return o.done()
}

func (o *objects) link(to *archive, name string, e entry, at time.Time) error {
	size, err := o.open(e.hash)
	if err != nil {
		return err
	}
	if size > maxTarget {
		return fmt.Errorf("%w: %s: the target of the link %q is too long", source.ErrRefused, o.at, name)
	}
	target := make([]byte, size)
	if _, err := io.ReadFull(o.out, target); err != nil {
		return local(err)
	}
	if err := to.link(name, string(target), at); err != nil {
		return err
	}
	return o.done()
}
