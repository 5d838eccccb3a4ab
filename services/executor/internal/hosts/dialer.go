// Package hosts connects to the targets of jobs: it opens their credentials,
// verifies their host keys, has the key of a first contact recorded, and bounds
// how many connections are being made at once.
package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// recordFor bounds the wait for the gateway to record a host key.
const recordFor = 5 * time.Second

// Dialer connects to hosts.
type Dialer struct {
	key     seal.PrivateKey
	agent   string
	nc      *nats.Conn
	options ssh.Options
	starts  chan struct{}
}

// New returns a dialer. The key opens credentials; agent is the socket of an SSH
// agent for targets without one (empty: none); at most starts connections are
// being made at once, since handshakes are what costs a host and a jump host
// most.
func New(key seal.PrivateKey, agent string, nc *nats.Conn, options ssh.Options, starts int) *Dialer {
	return &Dialer{key: key, agent: agent, nc: nc, options: options, starts: make(chan struct{}, starts)}
}

// Dial connects and logs in. Errors are those of ssh.Dial, ErrCredential and
// ErrNotRecorded.
func (d *Dialer) Dial(ctx context.Context, t contract.Target) (*ssh.Client, error) {
	auth, err := d.auth(t)
	if err != nil {
		return nil, err
	}
	select {
	case d.starts <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	client, err := ssh.Dial(ctx, ssh.Target{
		Address: t.Address, Port: t.Port, User: t.User, Auth: auth,
		HostKey: t.HostKey, FirstContact: t.FirstContact,
	}, d.options)
	<-d.starts
	if err != nil || t.HostKey != "" {
		return client, err
	}
	if err := d.record(ctx, t.Host, client.HostKey()); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return client, nil
}

func (d *Dialer) auth(t contract.Target) (ssh.Auth, error) {
	if t.Credential == "" {
		return ssh.Auth{AgentSocket: d.agent}, nil
	}
	clear, err := d.key.Open(contract.CredentialContext(t.Host), seal.Sealed(t.Credential))
	if err != nil {
		return ssh.Auth{}, fmt.Errorf("%w: %w", ErrCredential, err)
	}
	var c contract.Credential
	if err := json.Unmarshal(clear, &c); err != nil { // the error of json would quote the secret
		return ssh.Auth{}, fmt.Errorf("%w: its content is damaged", ErrCredential)
	}
	return ssh.Auth{PrivateKey: []byte(c.PrivateKey), Passphrase: c.Passphrase, Password: c.Password}, nil
}

// record has the gateway keep the key, and compares it with the one that counts
// from then on: another executor may have been first, and met another host.
func (d *Dialer) record(ctx context.Context, host, key string) error {
	ask, err := contract.Encode(contract.Envelope{Host: host}, contract.RecordHostKey{Key: key})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, recordFor)
	defer cancel()
	reply, err := d.nc.RequestWithContext(ctx, contract.RecordHostKeys, ask)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	m, err := contract.Decode(reply.Data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	switch b := m.Body.(type) {
	case contract.HostKey:
		if b.Key != key {
			return fmt.Errorf("%w since another executor met it", ssh.ErrHostKeyChanged)
		}
		return nil
	case contract.Refused:
		return fmt.Errorf("%w: %s", ErrNotRecorded, b.Message)
	default:
		return fmt.Errorf("%w: unexpected answer %q", ErrNotRecorded, m.Type)
	}
}
