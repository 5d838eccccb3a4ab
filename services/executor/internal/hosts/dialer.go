package hosts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
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
	Keys       seal.Keys     // open credentials
	Agent      string        // socket of an SSH agent for targets without a credential; empty: none
	SSH        ssh.Options   // Admit is the Dialer's own
	RecordWait time.Duration // for a gateway to record a host key: it may be starting, too

	// Connections that are opened at once: over all, with one host, and into one
	// network. Handshakes are what costs both sides most, and sshd refuses them
	// beyond its MaxStartups.
	Starts, StartsPerHost, StartsPerNetwork int

	// Opened is told of each connection that was opened, jump hosts' included, and of
	// each that could not be; nil: nobody is.
	Opened func(took time.Duration, err error)
}

// Dialer connects to hosts.
type Dialer struct {
	set    Settings
	nc     *nats.Conn
	pool   *Pool
	starts *starts
}

// New returns a dialer. It asks gateways over nc, and takes connections from the
// pool where there are some.
func New(nc *nats.Conn, pool *Pool, set Settings) *Dialer {
	d := &Dialer{set: set, nc: nc, pool: pool, starts: newStarts(set)}
	d.set.SSH.Admit = d.starts.admit
	return d
}

// Dial connects and logs in, through the target's jump hosts, or finds a connection
// that did so before. Errors are those of ssh.Dial and ssh.Client.Dial, ErrCredential,
// ErrNotRecorded and ErrClosed; those of a jump host name it.
func (d *Dialer) Dial(ctx context.Context, t contract.Target) (*Host, error) {
	last := contract.Hop{
		Host: t.Host, Name: t.Name, Address: t.Address, Port: t.Port, User: t.User,
		Credential: t.Credential, HostKey: t.HostKey, FirstContact: t.FirstContact,
		HostCA: t.HostCA, RevokedKeys: t.RevokedKeys, LegacyAlgorithms: t.LegacyAlgorithms,
	}
	l, err := d.reach(ctx, append(slices.Clone(t.Via), last), 1)
	if err != nil {
		return nil, err
	}
	return &Host{client: l.client(), release: l.release}, nil
}

// keyOf stands for all that a connection to the last host of the way is made with.
func keyOf(way []contract.Hop) string {
	text, _ := json.Marshal(way) // strings, numbers and booleans: that cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// reach returns a connection to the last host of the way that has less than limit
// users.
func (d *Dialer) reach(ctx context.Context, way []contract.Hop, limit int) (*lease, error) {
	l, err := d.pool.take(ctx, keyOf(way), limit, func(ctx context.Context) (*ssh.Client, *lease, error) {
		return d.open(ctx, way, limit > 1)
	})
	if err != nil {
		return nil, err
	}
	last := way[len(way)-1]
	if l.reused && isFirst(last) { // the key may have been replaced since
		if err := d.record(ctx, last.Host, l.client().HostKey()); err != nil {
			l.drop()
			return nil, named(err, last, limit > 1)
		}
	}
	return l, nil
}

// isFirst says whether the key of the host was trusted because it was the first.
func isFirst(h contract.Hop) bool { return h.HostKey == "" && h.HostCA == "" }

// open connects to the last host of the way and logs in, and has the key of a first
// contact recorded, before anybody relies on it.
func (d *Dialer) open(ctx context.Context, way []contract.Hop, jump bool) (*ssh.Client, *lease, error) {
	to := way[len(way)-1]
	auth, err := d.auth(to)
	if err != nil {
		return nil, nil, named(err, to, jump)
	}
	var through *lease
	dial := ssh.Dial
	if before := way[:len(way)-1]; len(before) > 0 {
		if through, err = d.reach(ctx, before, d.pool.set.Share); err != nil {
			return nil, nil, err
		}
		dial = through.client().Dial
	}
	client, err := d.start(ctx, way, dial, auth)
	if err == nil && isFirst(to) {
		if err = d.record(ctx, to.Host, client.HostKey()); err != nil {
			_ = client.Close() // nobody relies on it
		}
	}
	switch {
	case err == nil:
		return client, through, nil
	case through == nil:
		return nil, nil, named(err, to, jump)
	}
	through.release()
	if errors.Is(err, ssh.ErrForwarding) || ssh.IsTransient(err) && !errors.Is(err, ssh.ErrUnreachable) {
		return nil, nil, named(err, way[len(way)-2], true) // it is the jump host that failed
	}
	return nil, nil, named(err, to, jump)
}

// start opens a connection once it may.
func (d *Dialer) start(ctx context.Context, way []contract.Hop, dial dialFunc, auth ssh.Auth) (*ssh.Client, error) {
	done, err := d.starts.begin(ctx, way)
	if err != nil {
		return nil, err
	}
	to := way[len(way)-1]
	began := time.Now()
	client, err := dial(ctx, ssh.Target{
		Address: to.Address, Port: to.Port, User: to.User, Auth: auth,
		HostKey: to.HostKey, FirstContact: to.FirstContact, HostCA: to.HostCA, RevokedKeys: to.RevokedKeys,
		LegacyAlgorithms: to.LegacyAlgorithms,
	}, d.set.SSH)
	if d.set.Opened != nil {
		d.set.Opened(time.Since(began), err)
	}
	if err != nil {
		done()
		return nil, err
	}
	client.OnceSettled(done)
	return client, nil
}

// dialFunc is ssh.Dial, or the same through a jump host.
type dialFunc func(context.Context, ssh.Target, ssh.Options) (*ssh.Client, error)

// named says of an error of a jump host which one it is.
func named(err error, hop contract.Hop, jump bool) error {
	if !jump {
		return err
	}
	return fmt.Errorf("jump host %q (%s): %w", hop.Name, endpoint(hop), err)
}

func endpoint(h contract.Hop) string { return net.JoinHostPort(h.Address, strconv.Itoa(h.Port)) }

func (d *Dialer) auth(t contract.Hop) (ssh.Auth, error) {
	if t.Credential == "" {
		return ssh.Auth{AgentSocket: d.set.Agent}, nil
	}
	clear, err := d.set.Keys.Open(contract.CredentialContext(t.Host), seal.Sealed(t.Credential))
	if err != nil {
		return ssh.Auth{}, fmt.Errorf("%w: %w", ErrCredential, err)
	}
	var c contract.Credential
	if err := json.Unmarshal(clear, &c); err != nil { // the error of json would quote the secret
		return ssh.Auth{}, fmt.Errorf("%w: its content is damaged", ErrCredential)
	}
	return ssh.Auth{
		PrivateKey: []byte(c.PrivateKey), Passphrase: c.Passphrase, Certificate: []byte(c.Certificate), Password: c.Password,
	}, nil
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
