package hosttest

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// writeFiles puts all that sshd reads into the host's directory.
func (h *Host) writeFiles(clientKey string) error {
	if os.Geteuid() == 0 {
		// sshd refuses to start without the directory that it confines itself to. Packages make it at boot, so a
		// machine that has just installed sshd, or a container, has none.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	if err := h.writeHostKeys(); err != nil {
		return err
	}
	if err := os.WriteFile(h.path("authorized_keys"), []byte(clientKey+"\n"), 0o600); err != nil {
		return err
	}
	if h.opts.userCA != nil {
		if err := os.WriteFile(h.path("user_ca"), ssh.MarshalAuthorizedKey(h.opts.userCA), 0o600); err != nil {
			return err
		}
	}
	if h.hasShadow() {
		if err := h.writeShadow(); err != nil {
			return err
		}
	}
	return os.WriteFile(h.path("sshd_config"), []byte(h.config()), 0o600)
}

// writeHostKeys makes new host keys.
func (h *Host) writeHostKeys() error {
	h.HostKeys = nil
	for i, kind := range h.opts.hostKeys {
		private, line, err := newKey(kind)
		if err != nil {
			return err
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return err
		}
		if err := os.WriteFile(h.hostKeyPath(i), private, 0o600); err != nil {
			return err
		}
		if err := h.writeHostCertificate(i, public); err != nil {
			return err
		}
		if i == 0 {
			h.HostKey = line
		}
		h.HostKeys = append(h.HostKeys, public)
	}
	return nil
}

// writeHostCertificate makes a certificate for a host key, if the host is to show one.
func (h *Host) writeHostCertificate(i int, key ssh.PublicKey) error {
	if h.opts.hostCA == nil {
		return nil
	}
	now := time.Now()
	cert := &ssh.Certificate{
		Key: key, CertType: ssh.HostCert, KeyId: h.Name, ValidPrincipals: []string{h.Addr},
		ValidAfter: uint64(now.Add(-time.Hour).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix()),
	}
	if h.opts.certify != nil {
		h.opts.certify(cert)
	}
	if err := cert.SignCert(rand.Reader, h.opts.hostCA); err != nil {
		return err
	}
	return os.WriteFile(h.hostKeyPath(i)+"-cert.pub", ssh.MarshalAuthorizedKey(cert), 0o600)
}

func (h *Host) hostKeyPath(i int) string { return h.path("host_key_" + strconv.Itoa(i)) }

// config is the text of sshd_config.
func (h *Host) config() string {
	lines := []string{
		"ListenAddress " + h.Addr + ":" + strconv.Itoa(h.Port),
		"PidFile " + quote(h.path("pid")),
		"AuthorizedKeysFile " + quote(h.path("authorized_keys")),
		h.environment(),
		"PasswordAuthentication " + yesNo(h.opts.password),
		"KbdInteractiveAuthentication no",
		"PermitRootLogin yes",
		"UsePAM no",
		"UseDNS no",
		"StrictModes no",
		"PermitUserRC no", // the rc file would be that of the user's real home
		"PrintMotd no",
		"MaxStartups 1000:30:2000",
		"MaxSessions 200",
		"LogLevel VERBOSE",
	}
	for _, setting := range h.opts.settings {
		keyword, _, _ := strings.Cut(setting, " ") // given twice, the first wins, or the last, or both hold
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, keyword+" ") })
	}
	lines = append(lines, h.opts.settings...)
	for i := range h.opts.hostKeys {
		lines = append(lines, "HostKey "+quote(h.hostKeyPath(i)))
		if h.opts.hostCA != nil {
			lines = append(lines, "HostCertificate "+quote(h.hostKeyPath(i)+"-cert.pub"))
		}
	}
	if h.opts.userCA != nil {
		lines = append(lines, "TrustedUserCAKeys "+quote(h.path("user_ca")))
		lines[slices.Index(lines, "AuthorizedKeysFile "+quote(h.path("authorized_keys")))] = "AuthorizedKeysFile none"
	}
	if h.opts.forced != "" {
		lines = append(lines, "ForceCommand "+h.opts.forced)
	}
	if punishes(h.sshd) {
		// Else a few failed logins, which tests want, shut all of loopback out for a while.
		lines = append(lines, "PerSourcePenalties no")
	}
	return strings.Join(lines, "\n") + "\n"
}

func quote(s string) string { return `"` + s + `"` }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

var (
	versions    sync.Map // path of an sshd → whether it punishes
	versionText = regexp.MustCompile(`OpenSSH_(\d+)\.(\d+)`)
)

// punishes says whether this sshd knows PerSourcePenalties, as OpenSSH does from 9.8 on. Older ones refuse the option.
func punishes(sshd string) bool {
	if known, ok := versions.Load(sshd); ok {
		return known.(bool)
	}
	// Versions that do not know -V complain, and name their version in doing so.
	text, _ := exec.Command(sshd, "-V").CombinedOutput()
	var major, minor int
	if found := versionText.FindSubmatch(text); found != nil {
		_, _ = fmt.Sscan(string(found[1]), &major)
		_, _ = fmt.Sscan(string(found[2]), &minor)
	}
	punishes := major > 9 || major == 9 && minor >= 8
	versions.Store(sshd, punishes)
	return punishes
}

// environment is what sessions have in their environment besides: sshd takes one such line.
func (h *Host) environment() string {
	line := "SetEnv " + quote("HOME="+h.Home)
	for _, variable := range h.opts.variables {
		line += " " + quote(variable)
	}
	return line
}
