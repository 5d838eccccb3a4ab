package audit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
)

// full is an entry with every field that a gateway sets.
func full() audit.Entry {
	at := time.Date(2026, 11, 22, 1, 30, 0, 120e6, time.UTC)
	return audit.Entry{
		Action: "servers.change", Actor: &audit.Actor{ID: "t1", Name: "ci <&> é"}, Asked: 1, Code: "unavailable", Count: 2, Digest: "ab",
		Made: "d1", Object: &audit.Object{ID: "s1", Kind: "server"}, Outcome: audit.Failed, Remote: "::1", Repeat: true, Request: "r1", Since: &at, Status: 503, Time: at,
	}
}

// chain returns a log of so many entries.
func chain(t *testing.T, n int) (lines [][]byte, heads []audit.Head) {
	t.Helper()
	head := audit.Genesis()
	for i := range n {
		e := full()
		e.Request = fmt.Sprint(i)
		line, next, err := head.Link(e)
		require.NoError(t, err)
		lines, heads, head = append(lines, line), append(heads, next), next
	}
	return lines, heads
}

func verify(t *testing.T, lines [][]byte, noted *audit.Head) audit.Result {
	t.Helper()
	found, err := audit.Verify(all(lines, nil), noted)
	require.NoError(t, err)
	return found
}

func all(lines [][]byte, end error) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, l := range lines {
			if !yield(l, nil) {
				return
			}
		}
		if end != nil {
			yield(nil, end)
		}
	}
}

// What stands here can be made with other programs: docs/audit.md shows one. It is the format, and never changes.
func TestTheFirstEntryIsWrittenAndHashedLikeThis(t *testing.T) {
	line, head, err := audit.Genesis().Link(full())
	require.NoError(t, err)
	const rest = `"made":"d1","object":{"id":"s1","kind":"server"},"outcome":"failed","previous":"0000000000000000000000000000000000000000000000000000000000000000",` +
		`"remote":"::1","repeat":true,"request":"r1","seq":1,"since":"2026-11-22T01:30:00.12Z","status":503,"time":"2026-11-22T01:30:00.12Z","v":1}`
	const hash = "23c550c8cb00f3385441590f6583f72c931aa18fcb9ade3c100664c71a50c2ba"
	want := `{"action":"servers.change","actor":{"id":"t1","name":"ci <&> é"},"asked":1,"code":"unavailable","count":2,"digest":"ab","hash":"` +
		hash + `",` + rest
	require.Equal(t, []byte(want), line, "%s", line)
	require.Equal(t, audit.Head{Seq: 1, Hash: hash}, head)
	again, err := audit.Canonical(line)
	require.NoError(t, err)
	require.Equal(t, string(line), string(again), "the fields stand in order")
	var loose map[string]any
	require.NoError(t, json.Unmarshal(line, &loose))
	indented, err := json.MarshalIndent(loose, "", "  ")
	require.NoError(t, err)
	require.Contains(t, string(indented), `\u003c`)
	require.Equal(t, audit.Unreadable, verify(t, [][]byte{indented}, nil).Flaw.Kind)
	again, err = audit.Canonical(indented)
	require.NoError(t, err)
	require.Equal(t, string(line), string(again), "however it was sent")
}

func TestALogThatNobodyTouchedIsWhole(t *testing.T) {
	require.Equal(t, audit.Result{Head: audit.Genesis()}, verify(t, nil, nil))
	lines, heads := chain(t, 9)
	require.Equal(t, audit.Result{Entries: 9, Head: heads[8]}, verify(t, lines, nil))
	for _, noted := range heads {
		require.Nil(t, verify(t, lines, &noted).Flaw, "it has only grown since")
	}
	broken := errors.New("broken")
	_, err := audit.Verify(all(lines, broken), nil)
	require.ErrorIs(t, err, broken)
}

// A later version may write more: what a verifier does not know counts all the same.
func TestFieldsThatAreNotKnownAreVerified(t *testing.T) {
	line, head, err := audit.Genesis().Link(full())
	require.NoError(t, err)
	require.Equal(t, "changed", verify(t, [][]byte{[]byte(strings.Replace(string(line), `"v":1`, `"v":1,"zone":"a"`, 1))}, nil).Flaw.Kind)
	require.Equal(t, audit.Result{Entries: 1, Head: head}, verify(t, [][]byte{line}, nil))
}

func TestWhatWasDoneToALogIsFound(t *testing.T) {
	lines, heads := chain(t, 9)
	replace := func(at int, old, fresh string) [][]byte {
		changed := slices.Clone(lines)
		text := strings.Replace(string(changed[at]), old, fresh, 1)
		require.NotEqual(t, string(changed[at]), text)
		changed[at] = []byte(text)
		return changed
	}
	other, _, err := heads[3].Link(audit.Entry{Action: "servers.delete", Outcome: audit.Refused})
	require.NoError(t, err)
	swapped := slices.Clone(lines)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	anew, fresh := chain(t, 9)
	anew = append(anew[:4:4], other)
	for name, c := range map[string]struct {
		lines [][]byte
		noted *audit.Head
		seq   uint64
		kind  string
	}{
		"a word changed":                 {replace(4, "ci", "me"), nil, 5, audit.Changed},
		"a field removed":                {replace(4, `"repeat":true,`, ""), nil, 5, audit.Changed},
		"the hash changed":               {replace(4, heads[4].Hash, heads[5].Hash), nil, 5, audit.Changed},
		"the link changed":               {replace(4, heads[3].Hash, heads[5].Hash), nil, 5, audit.Changed},
		"a number written otherwise":     {replace(4, `"seq":5`, `"seq":5.0`), nil, 5, audit.Unreadable},
		"a name twice":                   {replace(4, `{"action"`, `{"action":"servers.read","action"`), nil, 5, audit.Unreadable},
		"no JSON":                        {replace(4, "{", ""), nil, 5, audit.Unreadable},
		"an entry that was made anew":    {append(append(slices.Clone(lines[:4]), other), lines[5:]...), nil, 6, audit.Unlinked},
		"one removed":                    {slices.Delete(slices.Clone(lines), 4, 5), nil, 5, audit.Missing},
		"some removed":                   {slices.Delete(slices.Clone(lines), 4, 7), nil, 5, audit.Missing},
		"the first removed":              {lines[1:], nil, 1, audit.Missing},
		"two swapped":                    {swapped, nil, 4, audit.Reordered},
		"one twice":                      {slices.Insert(slices.Clone(lines), 4, lines[3]), nil, 5, audit.Reordered},
		"the end cut off":                {lines[:7], &heads[8], 8, audit.CutOff},
		"all cut off":                    {nil, &heads[8], 1, audit.CutOff},
		"the end made anew":              {anew, &fresh[4], 5, audit.Replaced},
		"a noted entry of another chain": {lines, &audit.Head{Seq: 9, Hash: heads[1].Hash}, 9, audit.Replaced},
	} {
		t.Run(name, func(t *testing.T) {
			found := verify(t, c.lines, c.noted)
			require.NotNil(t, found.Flaw)
			require.Equal(t, c.seq, found.Flaw.Seq)
			require.Equal(t, c.kind, found.Flaw.Kind)
			require.Contains(t, found.Flaw.Reason, fmt.Sprint(c.seq))
			require.Equal(t, c.seq-1, found.Entries, "what is before it is whole")
		})
	}
	require.Nil(t, verify(t, lines[:7], nil).Flaw, "nobody can see without a note that the end is cut off")
}

func TestAHeadIsNotedAsText(t *testing.T) {
	_, heads := chain(t, 2)
	got, err := audit.ParseHead(heads[1].String())
	require.NoError(t, err)
	require.Equal(t, heads[1], got)
	for _, bad := range []string{"", "2", "2:", ":" + heads[1].Hash, "0:" + heads[1].Hash, "2:" + heads[1].Hash[1:], "2:" + heads[1].Hash + "0", "-2:" + heads[1].Hash, "2:" + strings.ToUpper(heads[1].Hash) + "x"} {
		_, err := audit.ParseHead(bad)
		require.ErrorIs(t, err, audit.ErrFormat, bad)
	}
}

func TestTextOfCallersCanBeWrittenInOneWay(t *testing.T) {
	require.Equal(t, "é<a> b???", audit.Text("é<a> b\x1b\u2028\xff"))
	require.Equal(t, strings.Repeat("é", 100), audit.Text(strings.Repeat("é", 101)))
}
