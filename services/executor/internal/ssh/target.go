package ssh

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Target is a host and how to log in to it.
type Target struct {
	Address string // a host name or IP address
	Port    int    // 0 means 22
	User    string
	Auth    Auth

	// HostKey holds the keys that the host may have, one a line, as in authorized_keys or known_hosts. Host names in
	// the lines are ignored: all of them are this host's.
	HostKey string
	// FirstContact accepts whatever key is offered if HostKey holds none; Client.HostKey tells which one it was.
	// Without it such a host is refused. It means nothing if HostKey holds one.
	FirstContact bool
	// HostCA holds authorities, written alike: a certificate of one of them that is valid now and names Address counts as
	// the host's key. With one, a first contact is not taken: the authority is how the host is known.
	HostCA string
	// RevokedKeys holds keys of hosts and authorities, written alike, that count no more whatever else is said.
	RevokedKeys string
	// LegacyAlgorithms are weak ciphers, MACs, key exchanges and types of signatures, by the names of SSH, that may be agreed
	// on if nothing better is to be had: for hosts that are too old for anything else. "ssh-rsa" is for the host's key and
	// for RSA keys of ours.
	LegacyAlgorithms []string
}

func (t Target) endpoint() string {
	return net.JoinHostPort(t.Address, strconv.Itoa(cmp.Or(t.Port, 22)))
}

// Auth holds the credentials for one host. What is set is tried in the order of the fields.
type Auth struct {
	PrivateKey  []byte // PEM
	Passphrase  string // of PrivateKey, if it is encrypted
	Certificate []byte // of PrivateKey, as in id_*-cert.pub; it is offered before the bare key
	Password    string // for the methods password and keyboard-interactive
	AgentSocket string // path of an ssh-agent's socket, as in SSH_AUTH_SOCK
}

// Format hides the credentials, so that printing an Auth, or a struct that holds one, shows none whatever the verb.
func (Auth) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "(credentials)")
}

// Options are the timings of a connection. The zero value means the defaults.
type Options struct {
	// ConnectTimeout bounds the TCP connect and, once more, the handshake with the login. Default 10 s.
	ConnectTimeout time.Duration
	// KeepAlive is how often the host is asked for a sign of life. Default 5 s.
	KeepAlive time.Duration
	// MaxMissed is after how many intervals without any sign of life the connection is given up; counting begins with
	// the next question, so a silent host is noticed MaxMissed to MaxMissed+1 intervals after it last spoke. Default 3.
	MaxMissed int
	// Admit is called between the TCP connect and the handshake, which is what costs both sides most, and may wait for
	// its turn; its error ends the Dial. The function that it returns is called when the handshake is over. It may be nil.
	Admit func(context.Context) (done func(), err error)
}

func (o Options) withDefaults() Options {
	return Options{
		ConnectTimeout: cmp.Or(o.ConnectTimeout, 10*time.Second),
		KeepAlive:      cmp.Or(o.KeepAlive, 5*time.Second),
		MaxMissed:      cmp.Or(o.MaxMissed, 3),
		Admit:          o.Admit,
	}
}
