package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestThePastIsShown(t *testing.T) {
	g, s := shipped(t)
	s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--detach").exits(0)
	require.Regexp(t, `shop +web-1 +1 `, s.run("running").exits(0).out)
	require.Empty(t, document[list[client.Placement]](s.run("running", "other", "--on", "web-1", "-o", "json").exits(0)).Items)
	s.run("running", "--at", "yesterday").exits(2)
	s.run("running", "--at", "48h").exits(0)
	asked := g.Seen("GET", "/v1/running")
	require.NotEmpty(t, asked)

	out := s.run("stats").exits(0).out
	require.Contains(t, out, "From 2026-03-01 to 2026-03-30")
	require.Regexp(t, `shop +3 +1 +0 +0.10 +25 % +42s +1m1s +-`, out)
	require.Equal(t, "shop", document[client.Statistics](s.run("stats", "shop", "-o", "json").exits(0)).Total.Application)

	out = s.run("history").exits(0).out
	require.Contains(t, out, "2 events behind")
	require.Regexp(t, `3 +slipway\.v1\.ev\.d\.sys +malformed message`, out)

	require.Contains(t, s.run("status", "--application", "shop", "--by", "ci", "--oldest", "--since", "48h").exits(0).out, "shop")
	require.NotContains(t, s.run("status", "--by", "somebody").exits(0).out, "shop")
	require.NotContains(t, s.run("status", "--batch", "b1").exits(0).out, "shop")
	require.NotContains(t, s.run("status", "--stage", "production").exits(0).out, "shop")
	require.NotContains(t, s.run("status", "--template", "nightly").exits(0).out, "shop")
	s.run("status", "--since", "soon").exits(2)
	s.run("status", "d1", "--oldest").exits(2)
}
