package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	socketName = "store.sock" // the driver takes a host that ends in "sock" for a Unix socket

	// maxSocketPath is below what the systems allow, 103 bytes on macOS and 107 on Linux.
	maxSocketPath = 100

	// notInSocketPath would make the driver find a port or an IPv6 address in the path.
	notInSocketPath = ":[]"

	// probeTimeout bounds the question whether somebody listens at a socket: it is local, and answers or refuses at once.
	probeTimeout = 2 * time.Second
)

// endpoint is where the store listens.
type endpoint struct {
	network string // "unix" or "tcp"
	addr    string // socket path, or host:port
	ownDir  string // directory that is made for the socket alone and removed with it; usually empty
}

// parseListen turns Config.Listen into an endpoint.
func parseListen(listen, dir string) (endpoint, error) {
	switch path, isUnix := strings.CutPrefix(listen, "unix:"); {
	case listen == "":
		return defaultSocket(dir)
	case isUnix:
		if !filepath.IsAbs(path) || !strings.HasSuffix(path, ".sock") || !fitsSocket(path) {
			return endpoint{}, fmt.Errorf("%w: listen %q: a socket path is absolute, ends in .sock, has at most %d bytes and none of %s",
				ErrConfig, listen, maxSocketPath, notInSocketPath)
		}
		return endpoint{network: "unix", addr: path}, nil
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return endpoint{}, fmt.Errorf("%w: listen %q: want unix:/path.sock or host:port: %w", ErrConfig, listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return endpoint{}, fmt.Errorf("%w: listen %q: the store has no passwords and listens on loopback alone, such as 127.0.0.1",
			ErrConfig, listen)
	}
	return endpoint{network: "tcp", addr: listen}, nil
}

// defaultSocket is in the data directory if that has a path that is fit for a socket. If not, it is in a directory
// under os.TempDir whose name follows from dir: so a start after a kill finds and clears what was left there, and
// the URI stays the same.
func defaultSocket(dir string) (endpoint, error) {
	path := filepath.Join(dir, socketName)
	if fitsSocket(path) {
		return endpoint{network: "unix", addr: path}, nil
	}
	sum := sha256.Sum256([]byte(dir))
	ownDir := filepath.Join(os.TempDir(), fmt.Sprintf("slipway-%d-%x", os.Getuid(), sum[:6]))
	path = filepath.Join(ownDir, socketName)
	if !fitsSocket(path) {
		return endpoint{}, fmt.Errorf("%w: neither %q nor %q can hold a Unix socket (at most %d bytes, none of %s): "+
			"choose a shorter data directory, set TMPDIR, or listen on 127.0.0.1", ErrConfig, dir, os.TempDir(), maxSocketPath, notInSocketPath)
	}
	return endpoint{network: "unix", addr: path, ownDir: ownDir}, nil
}

func fitsSocket(path string) bool {
	return len(path) <= maxSocketPath && !strings.ContainsAny(path, notInSocketPath)
}

// uriOptions keeps a client from blocking the store, see the package comment: 40 commands at a time, one of which may be
// a bulk write of 50, need at most 91 SQLite connections. The driver's default is 100 commands.
const uriOptions = "/?maxPoolSize=40"

func (e endpoint) uri() string {
	if e.network == "unix" {
		return "mongodb://" + url.QueryEscape(e.addr) + uriOptions // QueryEscape: what the driver undoes
	}
	if _, port, err := net.SplitHostPort(e.addr); err != nil || port == "0" {
		return ""
	}
	return "mongodb://" + e.addr + uriOptions
}

// prepare sees to it that listening will work: FerretDB's own error for a taken address is of no use to a person, and
// leaves its databases open.
func (e endpoint) prepare(ctx context.Context) error {
	if e.network == "tcp" {
		return e.probeTCP(ctx)
	}
	if e.ownDir != "" {
		if err := makePrivate(e.ownDir); err != nil {
			return err
		}
	}
	return e.clearStaleSocket(ctx)
}

func (e endpoint) probeTCP(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, e.network, e.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w: stop what listens there or choose another port", e.addr, ErrAddressInUse)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", e.addr, err)
	}
	return l.Close()
}

// clearStaleSocket removes the socket of a process that was killed. A socket that somebody answers at stays.
func (e endpoint) clearStaleSocket(ctx context.Context) error {
	info, err := os.Lstat(e.addr)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", e.addr, err)
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s: %w by a file that is no socket: remove it or choose another address", e.addr, ErrAddressInUse)
	}
	d := net.Dialer{Timeout: probeTimeout}
	conn, err := d.DialContext(ctx, e.network, e.addr)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s: %w: stop what listens there or choose another address", e.addr, ErrAddressInUse)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w or unreachable: %w", e.addr, ErrAddressInUse, err)
	}
	return os.Remove(e.addr)
}

func (e endpoint) remove() {
	if e.ownDir != "" {
		_ = os.Remove(e.ownDir) // the listener has removed the socket in it
	}
}

// makePrivate makes dir, or accepts one that only we can enter: its name can be guessed, so another user may have put
// something there.
func makePrivate(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("directory for the store's socket: %w: set TMPDIR or listen on 127.0.0.1", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("directory for the store's socket: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s: %w: it is not a directory of ours with mode 0700: remove it, set TMPDIR or listen on 127.0.0.1",
			dir, ErrAddressInUse)
	}
	return nil
}
