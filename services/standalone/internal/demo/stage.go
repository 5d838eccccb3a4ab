package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// Files in the demo's directory, where the commands that are shown find them.
const (
	tokenFile = "token"
	keyFile   = "id_ed25519"
)

// stage is what the play happens on. All of it is below dir.
type stage struct {
	terminal
	hosts  fleet
	server *installation
}

// Run plays the demo with the programs in bin, and writes it to out. It returns when everything it made is gone, also
// when ctx ends early: then with ctx's error. If something is left, ErrNotCleared is among the errors. Others are those of
// errors.go and of the system.
func Run(ctx context.Context, bin string, out io.Writer) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "slipway-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	s := &stage{terminal: terminal{out: out, bin: bin, dir: dir, env: cleanEnv(os.Environ(), dir)}}
	defer func() { err = errors.Join(err, s.clear()) }()
	if err := s.set(ctx); err != nil {
		return err
	}
	for _, act := range acts {
		if err := act(s, ctx); err != nil {
			if ctx.Err() == nil {
				err = fmt.Errorf("%w\n%s", err, s.server.tail())
			}
			return err
		}
	}
	return nil
}

// set brings up everything that the play needs.
func (s *stage) set(ctx context.Context) error {
	if err := os.Chmod(s.dir, 0o711); err != nil { //nolint:gosec // the hosts' commands may run as another user
		return err
	}
	login, err := s.makeKey()
	if err != nil {
		return fmt.Errorf("make the demo's key: %w", err)
	}
	if s.hosts, err = raise(ctx, filepath.Join(s.dir, "hosts"), login, []string{"web-1", "web-2", "web-3", "web-4", "web-5"}); err != nil {
		return err
	}
	for _, h := range s.hosts {
		if err := s.write(h.name+".pub", h.HostKey()+"\n"); err != nil {
			return err
		}
	}
	if s.server, err = install(ctx, filepath.Join(s.bin, "slipway-standalone"), s.dir, s.env); err != nil {
		return err
	}
	return s.write(tokenFile, s.server.token+"\n")
}

// clear ends every process and removes every file.
func (s *stage) clear() error {
	if s.server != nil {
		s.server.stop()
	}
	s.hosts.close()
	for _, h := range s.hosts {
		_ = h.repair() // it may be in the way of removing it
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("%w: %w", ErrNotCleared, err)
	}
	return nil
}

// makeKey makes the key that opens the hosts, with its private part in a file, and returns the public part.
func (s *stage) makeKey() (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "slipway demo")
	if err != nil {
		return nil, err
	}
	if err := s.write(keyFile, string(pem.EncodeToMemory(block))); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}

func (s *stage) write(name, content string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600)
}
