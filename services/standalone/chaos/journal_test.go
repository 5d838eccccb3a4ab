package chaos

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// session is a command as sshd runs it: in a session of its own, told by SSH_ORIGINAL_COMMAND.
func session(forced, home, command string) *exec.Cmd {
	cmd := exec.Command(forced)
	cmd.Env = append(os.Environ(), "HOME="+home, "SHELL=/bin/sh", "SSH_ORIGINAL_COMMAND="+command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// line is a command as hostcmd builds it, with this script.
func line(script, step, token string) string {
	return "sh -c '" + script + "' slipway-" + step + " 'installation' '" + token + "' '30' 'apps/shop'"
}

func newHome(t *testing.T) (forced, home string) {
	t.Helper()
	forced, err := InstallJournal(filepath.Join(t.TempDir(), "journal"))
	require.NoError(t, err)
	home = filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(home, 0o700))
	return forced, home
}

func journalOf(t *testing.T, home string) []Entry {
	t.Helper()
	entries, err := ReadJournal(home)
	require.NoError(t, err)
	return entries
}

func TestAJournalTellsWhetherAnotherCommandIsAtWork(t *testing.T) {
	forced, home := newHome(t)
	require.Empty(t, journalOf(t, home))

	// A command that did something, and goes on without a tool.
	first := session(forced, home, line("rm -f x; rm -f x; echo begun; read -r forever", "stage", "17"))
	stdin, err := first.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := first.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, first.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	alone := Entry{Tool: "rm", Step: "stage", Token: 17, Alone: true}
	require.Equal(t, []Entry{alone, alone}, journalOf(t, home), "the processes of one command are not beside each other")

	require.NoError(t, session(forced, home, line("rm -f x", "probe", "18")).Run())
	require.Equal(t, Entry{Tool: "rm", Step: "probe", Token: 18}, journalOf(t, home)[2], "the first one is still at work")
	require.NoError(t, session(forced, home, line(":", "inspect", "19")).Run())
	require.Len(t, journalOf(t, home), 3, "who changes nothing is not at work")

	// The way in which Slipway's fence ends what an older token left.
	require.NoError(t, syscall.Kill(-first.Process.Pid, syscall.SIGKILL))
	require.Error(t, first.Wait())
	require.NoError(t, session(forced, home, line("tar --version >/dev/null", "switch", "20")).Run())
	require.Equal(t, Entry{Tool: "tar", Step: "switch", Token: 20, Alone: true}, journalOf(t, home)[3])
}

func TestAJournalTellsWhereTheLinkLeads(t *testing.T) {
	forced, home := newHome(t)
	base := filepath.Join(home, "apps", "shop")
	for _, dir := range []string{"next", "releases/v1", "releases/v2"} {
		require.NoError(t, os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(base, "releases/v1/MANIFEST"), nil, 0o600))
	for _, version := range []string{"v1", "v2"} {
		script := `cd "$HOME"; ln -s releases/` + version + ` apps/shop/next/current; mv -f ./apps/shop/next/current ./apps/shop/`
		require.NoError(t, session(forced, home, line(script, "switch", "17")).Run())
	}
	work := Entry{Tool: "mv", Step: "switch", Token: 17, Alone: true}
	require.Equal(t, []Entry{work, {Link: "releases/v1", Whole: true}, work, {Link: "releases/v2"}}, journalOf(t, home))
}

func TestAJournalThatIsNotUnderstoodIsAnError(t *testing.T) {
	for _, line := range []string{"", "link", "broken mv stage 'i' '17' '30'", "alone mv stage 'i' 'x' '30'", "alone mv"} {
		home := filepath.Join(t.TempDir(), "home")
		require.NoError(t, os.WriteFile(home+".journal", []byte(line+"\n"), 0o600))
		_, err := ReadJournal(home)
		require.ErrorIs(t, err, errJournal, "%q", line)
	}
}
