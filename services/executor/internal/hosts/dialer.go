// Package hosts connects to the targets of jobs: it opens their credentials,
// verifies their host keys, has the key of a first contact recorded, and bounds
// how many handshakes are under way at once.
package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// recordTry bounds one request to record a host key.
const recordTry = 5 * time.Second

// Settings are what a Dialer is told.
type Settings struct {
	Key        seal.PrivateKey // opens credentials
	Agent      string          // socket of an SSH agent for targets without a credential; empty: none
	SSH        ssh.Options     // Admit is the Dialer's own
	Starts     int             // handshakes at once: they are what costs a host and a jump host most
	RecordWait time.Duration   // for a gateway to record a host key: it may be starting, too
}

// Dialer connects to hosts.
type Dialer struct {
	set    Settings
	nc     *nats.Conn
	starts chan struct{}
}

// New returns a dialer. It asks gateways over nc.
func New(nc *nats.Conn, set Settings) *Dialer {
	d := &Dialer{set: set, nc: nc, starts: make(chan struct{}, set.Starts)}
	d.set.SSH.Admit = d.admit
	return d
}

// admit waits for a turn to shake hands. A host that does not even answer the
// connect holds none.
func (d *Dialer) admit(ctx context.Context) (done func(), err error) {
	select {
	case d.starts <- struct{}{}:
		return func() { <-d.starts }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Dial connects and logs in. Errors are those of ssh.Dial, ErrCredential and
// ErrNotRecorded.
func (d *Dialer) Dial(ctx context.Context, t contract.Target) (*Host, error) {
	auth, err := d.auth(t)
	if err != nil {
		return nil, err
	}
	client, err := ssh.Dial(ctx, ssh.Target{
		Address: t.Address, Port: t.Port, User: t.User, Auth: auth,
		HostKey: t.HostKey, FirstContact: t.FirstContact,
	}, d.set.SSH)
	if err != nil {
		return nil, err
	}
	if t.HostKey == "" {
		if err := d.record(ctx, t.Host, client.HostKey()); err != nil {
			return nil, errors.Join(err, client.Close())
		}
	}
	return &Host{client: client}, nil
}

func (d *Dialer) auth(t contract.Target) (ssh.Auth, error) {
	if t.Credential == "" {
		return ssh.Auth{AgentSocket: d.set.Agent}, nil
	}
	clear, err := d.set.Key.Open(contract.CredentialContext(t.Host), seal.Sealed(t.Credential))
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
// from then on: another executor may have been first, and met another host. It
// repeats while no gateway answers: after a restart executors may be first.
func (d *Dialer) record(ctx context.Context, host, key string) error {
	ask, err := contract.Encode(contract.Envelope{Host: host}, contract.RecordHostKey{Key: key})
	if err != nil {
		return err
	}
	var reply *nats.Msg
	within, cancel := context.WithTimeout(ctx, d.set.RecordWait)
	defer cancel()
	err = bus.Repeat(within, func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, recordTry)
		defer cancel()
		reply, err = d.nc.RequestWithContext(ctx, contract.RecordHostKeys, ask)
		return err
	})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case bus.Unavailable(err): // without what it wraps: this is no deadline of a step
		return fmt.Errorf("%w: no gateway answered within %s", ErrNotRecorded, d.set.RecordWait)
	default:
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
