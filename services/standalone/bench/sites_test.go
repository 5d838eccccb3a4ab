//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// site is a host by the address that it is reached at: its own or that of a
// proxy before it.
type site struct {
	*hosttest.Host
	Addr string
	Port int
}

// fleet is the hosts that packages are shipped to, each with a root of its own.
type fleet struct {
	t     *testing.T
	sites []site
	group cgroup // of all their processes
	all   cgroups

	proxies []*toxiproxy.Proxy // before them, if there are any
	tallies []*tally           // of these
	away    bool               // they delay what goes through them
}

func startFleet(t *testing.T, count int) *fleet {
	t.Helper()
	f := &fleet{t: t, all: mountCgroups(t)}
	f.group = f.all.add(t, "hosts")
	f.sites = sitesOf(hosttest.Start(t, count, hosttest.WithRoot(), hosttest.WithCgroup(string(f.group)),
		hosttest.WithSettings("Subsystem sftp internal-sftp"))) // for peers; Slipway needs none
	return f
}

// sitesOf has the hosts reached at their own addresses.
func sitesOf(hosts []*hosttest.Host) []site {
	sites := make([]site, len(hosts))
	for i, h := range hosts {
		sites[i] = site{Host: h, Addr: h.Addr, Port: h.Port}
	}
	return sites
}

// settle returns when the hosts are done with what goes on after a contender has
// ended, such as the end of a connection.
func (f *fleet) settle() {
	f.t.Helper()
	const quiet, pause = time.Millisecond, 50 * time.Millisecond
	used := f.group.cpu(f.t)
	eventually(f.t, func() bool {
		time.Sleep(pause) //nolint:forbidigo // idle is what uses no time for a while
		before := used
		used = f.group.cpu(f.t)
		return used-before < quiet
	}, func() string { return "the hosts work on and on" })
}

// check returns an error unless all hosts run the package.
func (f *fleet) check(on []site, base string, p shipment) error {
	return atOnce(len(on), func(n int) error {
		if err := p.runsAt(on[n].Outside(base)); err != nil {
			return fmt.Errorf("%s: %w", on[n].Name, err)
		}
		return nil
	})
}

// clear removes the application from the hosts.
func (f *fleet) clear(on []site, base string) {
	f.t.Helper()
	require.NoError(f.t, atOnce(len(on), func(n int) error { return os.RemoveAll(on[n].Outside(base)) }))
}

// cut ends all connections with the hosts.
func (f *fleet) cut(with []site) {
	f.t.Helper()
	require.NoError(f.t, atOnce(len(with), func(n int) error {
		with[n].KillSessions()
		return nil
	}))
}

// writeSSHConfig describes the sites as OpenSSH has it, and returns the files
// that hold it, and the names of the sites.
func writeSSHConfig(t *testing.T, dir string, sites []site) (config, names string) {
	t.Helper()
	var text, known, list strings.Builder
	key := filepath.Join(dir, "id")
	knownAt := filepath.Join(dir, "known_hosts")
	for _, s := range sites {
		fmt.Fprintf(&text, "Host %s\n  HostName %s\n  Port %d\n  User %s\n", s.Name, s.Addr, s.Port, s.User)
		fmt.Fprintf(&text, "  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  StrictHostKeyChecking yes\n", key, knownAt)
		fmt.Fprintf(&known, "[%s]:%d %s\n", s.Addr, s.Port, s.HostKey)
		fmt.Fprintln(&list, s.Name)
	}
	config, names = filepath.Join(dir, "ssh_config"), filepath.Join(dir, "hosts")
	for path, content := range map[string]string{
		config: text.String(), knownAt: known.String(), names: list.String(), key: string(sites[0].PrivateKeyPEM),
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return config, names
}
