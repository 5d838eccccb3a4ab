//go:build bench

package bench

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

const (
	shipHosts = 20
	shipFiles = 500
	shipBytes = 20 << 20
)

// TestShip ships a 20 MB package of 500 files to 20 hosts, from the request to
// the end of the deployment, beside a plain Go program that streams the same
// archive over one session a host and does there what any deployment must:
// verify the digest, unpack beside the running release, switch by rename.
func TestShip(t *testing.T) {
	wanted(t, "ship")
	s := startSlipway(t)
	hosts := hosttest.Start(t, shipHosts)
	servers := s.addServers(hosts)
	warm := pack(t, 0)
	s.upload("ship", "warm", "ship.tar.gz", warm)
	s.deploy("ship", "warm", servers)
	plainShip(t, hosts, warm, "warm")

	archives := map[int][]byte{}
	for round := range *rounds {
		archives[round] = pack(t, round+1)
		s.upload("ship", strconv.Itoa(round), "ship.tar.gz", archives[round])
	}
	compare(t, map[string]string{"ship.20MB.20hosts": "s"},
		func(round int) measurement {
			began := time.Now()
			s.deploy("ship", strconv.Itoa(round), servers)
			return measurement{"ship.20MB.20hosts": time.Since(began).Seconds()}
		},
		func(round int) measurement {
			began := time.Now()
			plainShip(t, hosts, archives[round], strconv.Itoa(round))
			return measurement{"ship.20MB.20hosts": time.Since(began).Seconds()}
		})
}

// pack makes a tar.gz whose files are half noise and half text, about shipBytes
// in all. Each seed gives other content.
func pack(t *testing.T, seed int) []byte {
	t.Helper()
	noise := rand.NewChaCha8([32]byte{byte(seed)})
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	content := make([]byte, shipBytes/shipFiles)
	for i := range shipFiles {
		_, err := noise.Read(content[:len(content)/2])
		require.NoError(t, err)
		copy(content[len(content)/2:], bytes.Repeat([]byte("the quick brown fox "), len(content)))
		require.NoError(t, files.WriteHeader(&tar.Header{
			Name: fmt.Sprintf("dir%02d/file%03d", i%20, i), Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg,
		}))
		_, err = files.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, files.Close())
	require.NoError(t, zipped.Close())
	return out.Bytes()
}

// plainScript is the whole of the baseline's work on a host.
const plainScript = `set -e; cd "$HOME"; mkdir -p plain/releases/%[1]s; cd plain; cat >pkg.%[1]s; ` +
	`echo "%[2]s  pkg.%[1]s" | sha256sum -c - >/dev/null; tar -xzf pkg.%[1]s -C releases/%[1]s; rm pkg.%[1]s; ` +
	`ln -sfn releases/%[1]s current.new; mv -T current.new current`

// plainShip is the baseline: all hosts at once, one session each.
func plainShip(t *testing.T, hosts []*hosttest.Host, archive []byte, version string) {
	t.Helper()
	sum := sha256.Sum256(archive)
	script := fmt.Sprintf(plainScript, version, hex.EncodeToString(sum[:]))
	var working sync.WaitGroup
	for _, h := range hosts {
		working.Go(func() {
			if err := plainHost(h, script, archive); err != nil {
				t.Errorf("%s: %v", h.Name, err)
			}
		})
	}
	working.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func plainHost(h *hosttest.Host, script string, archive []byte) error {
	key, err := ssh.ParsePrivateKey(h.PrivateKeyPEM)
	if err != nil {
		return err
	}
	client, err := ssh.Dial("tcp", net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)), &ssh.ClientConfig{
		User: h.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(h.HostKeys[0]),
		HostKeyAlgorithms: []string{h.HostKeys[0].Type()},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	session.Stdin = bytes.NewReader(archive)
	if output, err := session.CombinedOutput(script); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}
