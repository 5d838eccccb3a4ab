package deploy_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func claim(deployment string) deploy.Claim { return deploy.Claim{Deployment: deployment, Target: 3} }

// queue returns a queue in which the first owns the host and the others wait.
func queue(deployments ...string) deploy.Queue {
	var q deploy.Queue
	for i, d := range deployments {
		c := claim(d)
		if i == 0 {
			q.Owner = &c
			continue
		}
		q.Waiting = append(q.Waiting, c)
	}
	return q
}

func TestEnterQueuesInTheOrderOfArrival(t *testing.T) {
	cases := []struct {
		name     string
		have     deploy.Queue
		enters   string
		want     deploy.Queue
		wantOwns bool
	}{
		{"a free host is owned at once", queue(), "a", queue("a"), true},
		{"a host at work makes others wait", queue("a"), "b", queue("a", "b"), false},
		{"the last to come is the last to go", queue("a", "b"), "c", queue("a", "b", "c"), false},
		{"the owner enters again", queue("a", "b"), "a", queue("a", "b"), true},
		{"one that waits enters again", queue("a", "b", "c"), "b", queue("a", "b", "c"), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, owns := c.have.Enter(claim(c.enters))
			require.Equal(t, c.want, got)
			require.Equal(t, c.wantOwns, owns)
		})
	}
}

func TestLeaveGivesTheHostToTheNext(t *testing.T) {
	cases := []struct {
		name   string
		have   deploy.Queue
		leaves string
		owner  string
		behind []string
	}{
		{"the last leaves the host free", queue("a"), "a", "", nil},
		{"the first that waits is next", queue("a", "b", "c"), "a", "b", []string{"c"}},
		{"one that waits gives up", queue("a", "b", "c"), "b", "a", []string{"c"}},
		{"a stranger changes nothing", queue("a", "b"), "x", "a", []string{"b"}},
		{"nobody leaves an empty queue", queue(), "a", "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := c.have.Leave(c.leaves)
			require.Equal(t, c.owner, ownerOf(got))
			require.Equal(t, c.behind, waitingIn(got))
			require.Equal(t, got, got.Leave(c.leaves), "leaving again changes nothing")
		})
	}
}

func ownerOf(q deploy.Queue) string {
	if q.Owner == nil {
		return ""
	}
	return q.Owner.Deployment
}

func waitingIn(q deploy.Queue) []string {
	var out []string
	for _, w := range q.Waiting {
		out = append(out, w.Deployment)
	}
	return out
}

// A line of deployments is all that a queue is: entering joins its end once,
// leaving takes one out, and who is first owns the host.
func TestAQueueIsALineInWhichEachStandsOnce(t *testing.T) {
	deployments := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
	rapid.Check(t, func(t *rapid.T) {
		var q deploy.Queue
		line := []string{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			d := deployments.Draw(t, "deployment")
			before, wasLine := q, slices.Clone(line)
			if rapid.Bool().Draw(t, "enters") {
				var owns bool
				q, owns = q.Enter(claim(d))
				if !slices.Contains(line, d) {
					line = append(line, d)
				}
				require.Equal(t, line[0] == d, owns)
			} else {
				q = q.Leave(d)
				line = slices.DeleteFunc(line, func(have string) bool { return have == d })
			}
			require.Equal(t, line, lineOf(q))
			require.Equal(t, wasLine, lineOf(before), "the queue from before is as it was")
		}
	})
}

func lineOf(q deploy.Queue) []string {
	line := []string{}
	if q.Owner != nil {
		line = append(line, q.Owner.Deployment)
	}
	return append(line, waitingIn(q)...)
}
