package executor

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// sealed is a secret of an application as the gateway seals it.
func (s *system) sealed(application, name, value string) contract.Secret {
	s.t.Helper()
	text, err := s.key.Public().Seal(contract.SecretContext(application, name), []byte(value))
	require.NoError(s.t, err)
	return contract.Secret{Name: name, Sealed: string(text)}
}

// requireNotStored requires that no part of a text that is long enough to tell stands
// in any stream, bucket or line of a log.
func (s *system) requireNotStored(text string) {
	s.t.Helper()
	stored := map[string]string{"the log": s.log.String()}
	names := s.bus.JetStream().StreamNames(s.t.Context())
	for name := range names.Name() {
		stream, err := s.bus.JetStream().Stream(s.t.Context(), name)
		require.NoError(s.t, err)
		var all strings.Builder
		for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
			m, err := stream.GetMsg(s.t.Context(), seq)
			if err != nil {
				require.ErrorIs(s.t, err, jetstream.ErrMsgNotFound)
				continue
			}
			fmt.Fprintln(&all, m.Subject, m.Header, string(m.Data))
		}
		stored["stream "+name] = all.String()
	}
	require.NoError(s.t, names.Err())
	const telling = 8
	for where, all := range stored {
		for at := 0; at+telling <= len(text); at++ {
			require.NotContains(s.t, all, text[at:at+telling], where)
		}
	}
}

// A secret comes to a hook as it is; and whatever says it, nothing of that is kept.
func TestSecretsComeUntouchedAndAreSaidNowhere(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	token := rand.Text() + rand.Text()
	key := "-----BEGIN-----\n" + rand.Text() + "\n\n  " + rand.Text() + "\n-----END-----\n"
	odd := rand.Text() + ` it's "$HOME" $(id) \n` + "`x`\r\t" + rand.Text() + "ü✓\x1b[31m" + rand.Text()
	all := map[string]string{"TOKEN": token, "KEY": key, "ODD": odd, "OVER": rand.Text()}
	work := func() *contract.Work {
		staged := s.sealed("shop/stage/production", "TOKEN", token)
		staged.For = "shop/stage/production"
		return &contract.Work{
			Environment: []contract.Variable{{Name: "PLAIN", Value: "plain"}},
			Secrets:     []contract.Secret{s.sealed("shop", "KEY", key), s.sealed("shop", "OVER", rand.Text()), staged},
			Hooks: []contract.Hook{{
				Step: "during", Name: "take", Secrets: []contract.Secret{s.sealed("shop", "ODD", odd), s.sealed("shop", "OVER", all["OVER"])},
				Command: `for name in TOKEN KEY ODD OVER PLAIN; do eval "printf %s \"\$$name\"" >"$HOME/$name"; done
cat /proc/[0-9]*/cmdline >"$HOME/processes" 2>/dev/null; true`,
			}},
		}
	}
	deployed := func(version string, adjust func(*contract.Work)) contract.JobEndedEvent {
		w := work()
		adjust(w)
		return s.await(s.offer(h.Name, contract.DeployJob{Application: app, Work: w, Target: s.target(h), Package: s.upload(version, 100)}), h.Name)
	}

	require.Equal(t, "succeeded", deployed("1.0", func(*contract.Work) {}).State)
	processes, err := os.ReadFile(filepath.Join(h.Home, "processes"))
	require.NoError(t, err)
	require.Contains(t, string(processes), "slipway")
	for name, value := range all {
		got, err := os.ReadFile(filepath.Join(h.Home, name))
		require.NoError(t, err)
		require.Equal(t, value, string(got), name)
		require.NotContains(t, string(processes), value)
	}
	plain, err := os.ReadFile(filepath.Join(h.Home, "PLAIN"))
	require.NoError(t, err)
	require.Equal(t, "plain", string(plain))

	hook := func(command string) func(*contract.Work) {
		return func(w *contract.Work) {
			w.Hooks = append(w.Hooks, contract.Hook{Step: "after", Name: "tell", Command: command + "; exit 1"})
		}
	}
	flood := func(between string) string {
		return `n=0; while [ $n -lt 600 ]; do printf '%s` + between + `' "$TOKEN"; n=$((n + 1)); done`
	}
	longest := `head -c 65530 /dev/zero | tr '\0' x; printf '%s\n' "$TOKEN"` // what a line has beyond 64 KiB is dropped
	for what, tell := range map[string]func(*contract.Work){
		"in pieces":       hook(`printf 'it is %.5s' "$TOKEN"; printf '%s!' "${TOKEN#?????}"; printf '%s\n' "$KEY"`),
		"of another hook": hook(`cat "$HOME/ODD" "$HOME/OVER"`),
		"in other forms":  hook(`set -x; : "$TOKEN" "$KEY"; export -p; printf %s "u:$TOKEN" | base64; printf %s "$KEY" | base64`),
		"cut":             hook(flood("  ")),
		"cut, many lines": hook(flood(`  \n`)),
		"a long line":     hook(longest),
		"a restart":       func(w *contract.Work) { w.Restart = &contract.Restart{Command: `echo "$TOKEN: $KEY" >&2; exit 3`} },
		"a check": func(w *contract.Work) {
			w.Checks = []contract.HostCheck{{Name: "c", Command: `echo "$TOKEN"; exit 1`, Tries: 2, Interval: 1, Timeout: 10_000}}
		},
	} {
		ended := deployed("2.0", tell)
		require.Equal(t, "failed", ended.State, what)
		if what != "a long line" { // whose end alone is told
			require.Contains(t, ended.Failure.Reason, "***", what)
		}
		for _, value := range all {
			require.NotContains(t, ended.Failure.Reason, value, what)
		}
		require.Equal(t, "succeeded", s.await(s.offer(h.Name, contract.RollbackJob{Application: app, Target: s.target(h), From: "2.0"}), h.Name).State)
	}
	for _, value := range all {
		for line := range strings.Lines(value) {
			s.requireNotStored(strings.Trim(line, "-\n"))
		}
	}
	require.Contains(t, s.log.String(), "step failed")
}

// A sealed secret is for one application and one name; where it cannot be opened,
// nothing happens.
func TestASecretThatCannotBeOpenedFailsTheHostBeforeAnythingElse(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	other, err := seal.GenerateKey()
	require.NoError(t, err)
	elsewhere, err := other.Public().Seal(contract.SecretContext("shop", "TOKEN"), []byte("canary"))
	require.NoError(t, err)
	renamed := s.sealed("shop", "KEY", "canary")
	renamed.Name = "TOKEN"
	for what, one := range map[string]contract.Secret{
		"another application": s.sealed("other", "TOKEN", "canary"),
		"another name":        renamed,
		"another stage":       {Name: "TOKEN", Sealed: s.sealed("shop/stage/testing", "TOKEN", "canary").Sealed, For: "shop/stage/production"},
		"another key":         {Name: "TOKEN", Sealed: string(elsewhere)},
		"damaged":             {Name: "TOKEN", Sealed: "v1.00000000.AAAA"},
	} {
		for _, w := range []*contract.Work{
			{Secrets: []contract.Secret{one}, Restart: &contract.Restart{Command: "true"}},
			{Hooks: []contract.Hook{{Step: "after", Name: "a", Command: "true", Secrets: []contract.Secret{one}}}},
		} {
			id := s.offer(h.Name, contract.DeployJob{Application: app, Work: w, Target: s.target(h), Package: s.upload("1.0", 10)})
			ended := s.await(id, h.Name)
			require.Equal(t, contract.FailCredential, ended.Failure.Code, what)
			require.Contains(t, ended.Failure.Reason, "TOKEN", what)
			require.Equal(t, "started, connect running, connect failed, failed", steps(s.story(id, h.Name)), what)
			require.NoDirExists(t, filepath.Join(h.Home, app.Path))
		}
	}
	s.requireNotStored("canary")
}
