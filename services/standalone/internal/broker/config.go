package broker

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

// Config says where the broker keeps its streams, who may connect and how durable a message is.
type Config struct {
	// Dir is the data directory, made when missing. One process at a time can use it.
	Dir string

	// Listen is the host:port for clients of other processes (port 0 takes a free one). Empty: there are none, and only
	// this process can connect. Beyond loopback, a User is required. There is no TLS: cross an untrusted network by a
	// tunnel, or use a nats-server of your own.
	Listen string

	// User and Password are what every client presents, those in this process included; see ClientOptions.
	User, Password string

	// SyncAlways forces each message to the disk before it is acknowledged. Without it a killed process loses nothing,
	// but a power cut can lose what was acknowledged in the last two minutes.
	SyncAlways bool

	// Log receives warnings and errors of the server. The zero value is silent.
	Log zerolog.Logger
}

func (c *Config) validate() error {
	if c.Dir == "" {
		return fmt.Errorf("%w: no data directory given", ErrConfig)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("%w: data directory %q: %w", ErrConfig, c.Dir, err)
	}
	c.Dir = dir
	if (c.User == "") != (c.Password == "") {
		return fmt.Errorf("%w: a user and a password are given together", ErrConfig)
	}
	return c.validateListen()
}

func (c *Config) validateListen() error {
	if c.Listen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("%w: listen %q: want host:port: %w", ErrConfig, c.Listen, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%w: listen %q: the port is a number from 0 to 65535", ErrConfig, c.Listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && c.User == "" {
		return fmt.Errorf("%w: listen %q: whoever connects commands every host, so beyond loopback a user is required",
			ErrConfig, c.Listen)
	}
	return nil
}

// serverOptions is cfg, which is valid, in nats-server's words.
func (c *Config) serverOptions() *server.Options {
	opts := &server.Options{
		ServerName:             "slipway",
		NoSigs:                 true, // signals belong to the process
		JetStream:              true,
		StoreDir:               c.Dir,
		SyncAlways:             c.SyncAlways,
		DisableJetStreamBanner: true,
		Username:               c.User,
		Password:               c.Password,
	}
	if c.Listen == "" {
		opts.DontListen = true
		return opts
	}
	host, port, _ := net.SplitHostPort(c.Listen)
	opts.Host = host
	opts.Port, _ = strconv.Atoi(port)
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT // 0 would be 4222
	}
	if host == "" {
		opts.Host = "0.0.0.0"
	}
	return opts
}
