package demo

import (
	"context"
	"strconv"
	"strings"
)

// Exit statuses of slipway, as its help documents them.
const (
	succeeded = 0
	failed    = 1
)

// broken is the name of the host on which something goes wrong.
const broken = "web-4"

// acts is the play.
var acts = []func(*stage, context.Context) error{
	(*stage).curtain,
	(*stage).introduceHosts,
	(*stage).deployFirst,
	(*stage).deploySecond,
	(*stage).deployOntoABrokenHost,
	(*stage).rollBack,
	(*stage).whatRunsWhere,
}

func (s *stage) curtain(context.Context) error {
	return s.say(`Slipway runs in one process, on %s: four services, a message broker and a
document store. %s are SSH servers on this machine, each with a
directory of its own. Everything is in %s, and goes in the end.`,
		s.server.url, strings.Join(s.hosts.names(), ", "), s.dir)
}

func (s *stage) introduceHosts(ctx context.Context) error {
	if err := s.explain("1. Log in with the token that Slipway printed when it started, and add the hosts."); err != nil {
		return err
	}
	if err := s.slipway(ctx, succeeded, "login", "--url", s.server.url, "--token-file", tokenFile); err != nil {
		return err
	}
	for _, h := range s.hosts {
		err := s.slipwayQuiet(ctx, "servers", "add", "--name", h.name,
			"--address", "127.0.0.1", "--port", strconv.Itoa(h.Port()), "--user", "deploy",
			"--key-file", keyFile, "--host-key-file", h.name+".pub")
		if err != nil {
			return err
		}
	}
	return s.slipway(ctx, succeeded, "servers", "list")
}

func (s *stage) deployFirst(ctx context.Context) error {
	if err := s.explain("2. Ship the first version to all hosts. A line each: its step, and how much of the package is there."); err != nil {
		return err
	}
	if err := s.ship(ctx, "1.0", succeeded); err != nil {
		return err
	}
	return s.hosts.requireCurrent("1.0", nil)
}

func (s *stage) deploySecond(ctx context.Context) error {
	if err := s.explain("3. And the second. Each host goes on with 1.0 until 2.0 is complete beside it, and then switches one link."); err != nil {
		return err
	}
	if err := s.ship(ctx, "2.0", succeeded); err != nil {
		return err
	}
	return s.hosts.requireCurrent("2.0", nil)
}

func (s *stage) deployOntoABrokenHost(ctx context.Context) error {
	err := s.explain(`4. On %s, somebody makes the directory of releases read-only. There 3.0 fails, and
   says why; 2.0 goes on running. The other hosts do not wait for it.`, broken)
	if err != nil {
		return err
	}
	h := s.hosts.named(broken)
	if err := s.echo("chmod", "a-w", strings.TrimPrefix(h.below("releases"), s.dir+"/")); err != nil {
		return err
	}
	if err := h.damage(); err != nil {
		return err
	}
	if err := s.ship(ctx, "3.0", failed); err != nil {
		return err
	}
	return s.hosts.requireCurrent("3.0", map[string]string{broken: "2.0"})
}

func (s *stage) rollBack(ctx context.Context) error {
	err := s.explain(`5. It is put right, and 3.0 is taken back where it runs: what ran before is still there,
   so nothing is sent. %s never left 2.0 and stays as it is.`, broken)
	if err != nil {
		return err
	}
	h := s.hosts.named(broken)
	if err := s.echo("chmod", "u+w", strings.TrimPrefix(h.below("releases"), s.dir+"/")); err != nil {
		return err
	}
	if err := h.repair(); err != nil {
		return err
	}
	if err := s.slipway(ctx, succeeded, "rollback", "--application", application); err != nil {
		return err
	}
	return s.hosts.requireCurrent("2.0", nil)
}

func (s *stage) whatRunsWhere(ctx context.Context) error {
	if err := s.explain("6. What runs where, read from the hosts."); err != nil {
		return err
	}
	if err := s.slipway(ctx, succeeded, "releases", application); err != nil {
		return err
	}
	if err := s.hosts.requireCurrent("2.0", nil); err != nil {
		return err
	}
	return s.say("Looked up on their disks as well: 2.0 runs on all of them, complete. That was Slipway.")
}

// ship makes a package and deploys it to all hosts.
func (s *stage) ship(ctx context.Context, version string, want int) error {
	name, err := buildSite(s.dir, version)
	if err != nil {
		return err
	}
	return s.slipway(ctx, want, "deploy", application, "--package", name, "--version", version, "--all")
}
