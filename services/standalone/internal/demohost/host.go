package demohost

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// loginTimeout bounds what comes before a connection's first command. On loopback that takes milliseconds.
const loginTimeout = 10 * time.Second

const acceptPause = 50 * time.Millisecond

var errOtherKey = errors.New("not the key that may log in")

// Config says what a host is like.
type Config struct {
	// Dir is an existing directory: the working directory and the HOME of each command.
	Dir string
	// Login is the key that may log in, under any user name.
	Login ssh.PublicKey
	// RunAs is who commands run as; nil is who this process is. Dir must belong to them.
	RunAs *syscall.Credential
	// Rate bounds how fast a command's input arrives, in bytes per second; 0 is no bound. It stands in for a network:
	// on loopback a package is there before a person sees it coming.
	Rate int64
}

// Host is a host that runs until Close. It is safe for concurrent use.
type Host struct {
	cfg      Config
	hostKey  ssh.PublicKey
	server   *ssh.ServerConfig
	listener net.Listener

	ended context.Context // when Close is called
	end   context.CancelFunc
	tasks sync.WaitGroup
}

// Start brings a host up on a free port of the loopback interface.
func Start(cfg Config) (*Host, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a host key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a host key: %w", err)
	}
	h := &Host{cfg: cfg, hostKey: signer.PublicKey()}
	h.ended, h.end = context.WithCancel(context.Background())
	if h.listener, err = (&net.ListenConfig{}).Listen(h.ended, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("demo host: %w", err)
	}
	h.server = &ssh.ServerConfig{PublicKeyCallback: h.admit}
	h.server.AddHostKey(signer)
	h.tasks.Go(h.accept)
	return h, nil
}

// Port is where the host listens, on 127.0.0.1.
func (h *Host) Port() int { return h.listener.Addr().(*net.TCPAddr).Port }

// HostKey is the host's public key as a line of authorized_keys, without a newline.
func (h *Host) HostKey() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(h.hostKey)))
}

// Close ends all connections, kills what runs, and returns when nothing of the host is left.
func (h *Host) Close() {
	h.end()
	_ = h.listener.Close()
	h.tasks.Wait()
}

func (h *Host) admit(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if !bytes.Equal(key.Marshal(), h.cfg.Login.Marshal()) {
		return nil, errOtherKey
	}
	return nil, nil
}

func (h *Host) accept() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			select {
			case <-h.ended.Done():
				return
			case <-time.After(acceptPause): // the process has no more files to open, which passes
				continue
			}
		}
		h.tasks.Go(func() { h.serve(conn) })
	}
}

func (h *Host) serve(conn net.Conn) {
	undisturbed := context.AfterFunc(h.ended, func() { _ = conn.Close() })
	defer undisturbed()
	defer conn.Close()

	_ = conn.SetDeadline(time.Now().Add(loginTimeout))
	login, channels, requests, err := ssh.NewServerConn(conn, h.server)
	if err != nil {
		return // the client has been told, as far as it listens
	}
	_ = conn.SetDeadline(time.Time{})
	h.tasks.Go(func() { ssh.DiscardRequests(requests) }) // each is answered, which is what a keepalive wants
	for offer := range channels {
		if offer.ChannelType() != "session" {
			_ = offer.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, requests, err := offer.Accept()
		if err != nil {
			continue // the connection has ended; so will channels
		}
		s := &session{host: h, user: login.User(), channel: channel}
		h.tasks.Go(func() { s.serve(requests) })
	}
}
