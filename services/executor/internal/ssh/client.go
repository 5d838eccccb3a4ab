package ssh

import (
	"context"
	"fmt"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// Client is a connection to a host, logged in. It is safe for concurrent use.
type Client struct {
	conn    *gossh.Client
	wire    *wire
	hostKey string

	ended chan struct{} // closed when reason is set
	tasks sync.WaitGroup

	mu     sync.Mutex
	busy   int   // commands, questions and dials that are under way
	reason error // why the connection has ended, nil while it is open
}

func newClient(conn *gossh.Client, w *wire, hostKey string, o Options) *Client {
	c := &Client{conn: conn, wire: w, hostKey: hostKey, ended: make(chan struct{})}
	c.tasks.Go(func() {
		_ = conn.Wait()
		c.end(ErrConnectionLost)
	})
	c.tasks.Go(func() { c.keepAlive(o.KeepAlive, o.MaxMissed) })
	return c
}

// HostKey is the key that the host has shown, as a line of authorized_keys without a newline. After a first contact it
// is what to store.
func (c *Client) HostKey() string { return c.hostKey }

// Close ends the connection and returns when all that belongs to it has stopped; pending Runs return
// ErrConnectionLost. It must not be called from within Command.Stdout, which it would wait for.
func (c *Client) Close() error {
	c.end(fmt.Errorf("%w: closed on this side", ErrConnectionLost))
	c.tasks.Wait()
	return nil
}

// end closes the connection. The reason that comes first stays.
func (c *Client) end(reason error) {
	c.mu.Lock()
	if c.reason == nil {
		c.reason = reason
		close(c.ended)
	}
	c.mu.Unlock()
	// Of all that could be closed this is what never waits for the host.
	_ = c.wire.Close()
}

// Idle says whether the connection is open and nothing is under way on it: whatever was begun has ended on both sides.
func (c *Client) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason == nil && c.busy == 0
}

// Probe asks the host for a sign of life, and returns when it comes, with the reason where the connection has ended, or
// with ctx's error.
func (c *Client) Probe(ctx context.Context) error {
	if err := c.enter(); err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() {
		_, _, err := c.conn.SendRequest("keepalive@openssh.com", true, nil)
		c.leave()
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			return c.lost()
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OnceSettled calls fn when the host has done with the login, which sshd counts among its MaxStartups for a moment after
// the client knows of its success, or when the connection has ended. Close waits for it.
func (c *Client) OnceSettled(fn func()) {
	c.tasks.Go(func() {
		_, _, _ = c.conn.SendRequest("keepalive@openssh.com", true, nil) // answered only after that
		fn()
	})
}

// Ended is closed when the connection has ended.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// enter counts what is under way, unless the connection has ended. The caller owes leave.
func (c *Client) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != nil {
		return c.reason
	}
	c.tasks.Add(1)
	c.busy++
	return nil
}

// leave ends what enter began.
func (c *Client) leave() {
	c.mu.Lock()
	c.busy--
	c.mu.Unlock()
	c.tasks.Done()
}

// lost is why the connection ended, for one who has noticed that it did, perhaps before the watching task.
func (c *Client) lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != nil {
		return c.reason
	}
	return ErrConnectionLost
}

// keepAlive asks the host for an answer each interval and gives it up after maxMissed intervals in which nothing came.
func (c *Client) keepAlive(interval time.Duration, maxMissed int) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	answered := make(chan struct{}, 1)
	asked, missed, heard := false, 0, c.wire.received.Load()
	for {
		select {
		case <-c.ended:
			return
		case <-answered:
			asked = false
			continue
		case <-ticker.C:
		}
		now := c.wire.received.Load()
		switch {
		case now != heard:
			heard, missed = now, 0
		case asked:
			missed++
		}
		if missed >= maxMissed {
			c.end(ErrStalled)
			return
		}
		if !asked {
			asked = true
			// In a task of its own: to a host that does not read, even sending can wait for ever.
			c.tasks.Go(func() {
				_, _, _ = c.conn.SendRequest("keepalive@openssh.com", true, nil)
				answered <- struct{}{}
			})
		}
	}
}
