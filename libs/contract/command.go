package contract

// Verb is what a command asks for.
type Verb string

// The verbs.
const (
	VerbDeploy   Verb = "deploy"
	VerbRollback Verb = "rollback"
	VerbInit     Verb = "init"
)

// Types of commands.
const (
	TypeDeploy   Type = "slipway.v1.cmd.deploy"
	TypeRollback Type = "slipway.v1.cmd.rollback"
	TypeInit     Type = "slipway.v1.cmd.init"
)

// DeployCommand asks to ship a package to hosts and to switch to it.
type DeployCommand struct {
	Rollout
	Package Package `json:"package"`
}

// RollbackCommand asks to leave a release on the hosts of a deployment.
type RollbackCommand struct {
	Rollout
	Of   string `json:"of"`           // the deployment that is rolled back
	From string `json:"from"`         // release to leave; hosts that run another are left alone
	To   string `json:"to,omitempty"` // release to go to; empty: what ran before From
	// Automatic says that nobody asked for it but the deployment Of itself, which
	// failed and ends once this has.
	Automatic bool `json:"automatic,omitempty"`
}

// InitCommand asks to have the supervisors of hosts know the programs of an application.
type InitCommand struct {
	Rollout
	Programs Programs `json:"programs"`
}

// Rollout is what every command says about where and how.
type Rollout struct {
	Application Application `json:"application"`
	Work        *Work       `json:"work,omitempty"`
	Snapshot    Snapshot    `json:"snapshot"`
	Policy      Policy      `json:"policy"`
	Actor       string      `json:"actor"`              // name of the token that asked
	RetryOf     string      `json:"retry_of,omitempty"` // deployment whose failed hosts these are
	Batch       string      `json:"batch,omitempty"`    // id of the deployments that were asked for together
	Metadata    []Note      `json:"metadata,omitempty"` // what whoever asked notes, by name; nothing follows from it
	Origin
}

// Note is something that whoever asks for a deployment notes of it.
type Note struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Origin is by what its project says of deployments one was made; each is a name.
type Origin struct {
	Stage    string `json:"stage,omitempty"`
	Template string `json:"template,omitempty"`
	Group    string `json:"group,omitempty"` // by which the targets were chosen
}

// Application is what is deployed, as far as a host needs to know.
type Application struct {
	Name string `json:"name"`
	Path string `json:"path"` // on the host: absolute, or relative to the home of the user
	Keep int    `json:"keep"` // successful releases that stay on the host

	Remove []string `json:"remove,omitempty"` // versions that do not, but for what runs, and for what a DeployJob that is Reversible has replaced
}

// Package is the content of a release. It lies in the object store under its
// id, or at its source.
type Package struct {
	ID       string `json:"id"`
	Version  string `json:"version"`
	Filename string `json:"filename"`
	Format   string `json:"format"` // tar.gz, tar.zst, tar, zip or file
	Size     int64  `json:"size"`   // bytes; 0 with a source: not known
	SHA256   string `json:"sha256"` // hex; from git: GitSource.Digest

	Source *Source `json:"source,omitempty"`
}

// Snapshot refers to the targets of a deployment as they were when it was
// asked for: so many pieces of at most deploy.PieceSize targets, in the bucket
// SNAPSHOTS under the keys <id>.0, <id>.1 …
type Snapshot struct {
	ID      string   `json:"id"`
	Pieces  int      `json:"pieces"`
	Targets int      `json:"targets"`
	Zones   []string `json:"zones,omitempty"` // of the targets, each once; empty: the default zone alone
}

// SnapshotPiece is the value of one key of a snapshot. Each jump host stands in it
// once, however many targets are reached through it: PieceOf and Whole convert.
type SnapshotPiece struct {
	Targets []Target `json:"targets"`        // without Via
	Hops    []Hop    `json:"hops,omitempty"` // jump hosts
	Ways    [][]int  `json:"ways,omitempty"` // for each target, which of Hops it is reached through, in order; empty: no target has any
}

// Target is one host with all that is needed to reach it.
type Target struct {
	Host         string `json:"host"` // server id
	Name         string `json:"name"`
	Address      string `json:"address"` // name or IP address
	Port         int    `json:"port"`
	User         string `json:"user"`
	Credential   string `json:"credential,omitempty"`    // sealed Credential (libs/seal), see CredentialContext; empty: the executor's agent
	HostKey      string `json:"host_key,omitempty"`      // authorized_keys lines
	FirstContact bool   `json:"first_contact,omitempty"` // accept the key that the host offers while none is stored
	Zone         string `json:"zone,omitempty"`          // whose executors alone work on it; empty: DefaultZone
	HostCA       string `json:"host_ca,omitempty"`       // authorized_keys lines: authorities whose certificates for the host count as its key
	RevokedKeys  string `json:"revoked_keys,omitempty"`  // authorized_keys lines: keys of hosts and authorities that count no more
	// LegacyAlgorithms are weak ones, by the names of SSH, that may be agreed on with
	// this host if nothing better is to be had.
	LegacyAlgorithms []string `json:"legacy_algorithms,omitempty"`
	Via              []Hop    `json:"via,omitempty"` // jump hosts in the order in which they are passed; empty: it is connected to directly
}

// Hop is a jump host with all that is needed to reach it, from the executor or
// from the hop before. Its fields are those of Target.
type Hop struct {
	Host             string   `json:"host"`
	Name             string   `json:"name"`
	Address          string   `json:"address"`
	Port             int      `json:"port"`
	User             string   `json:"user"`
	Credential       string   `json:"credential,omitempty"`
	HostKey          string   `json:"host_key,omitempty"`
	FirstContact     bool     `json:"first_contact,omitempty"`
	HostCA           string   `json:"host_ca,omitempty"`
	RevokedKeys      string   `json:"revoked_keys,omitempty"`
	LegacyAlgorithms []string `json:"legacy_algorithms,omitempty"`
}

// Credential is the clear text inside Target.Credential. It exists in clear
// only while the gateway seals it and while an executor opens it.
type Credential struct {
	PrivateKey  string `json:"private_key,omitempty"` // PEM
	Passphrase  string `json:"passphrase,omitempty"`
	Certificate string `json:"certificate,omitempty"` // of PrivateKey, as in id_*-cert.pub
	Password    string `json:"password,omitempty"`
}

// CredentialContext is the context to which the credential of a server is
// sealed: a ciphertext does not open for another server.
func CredentialContext(server string) string { return "server/" + server + "/credential" }

// MessageType implements Body.
func (DeployCommand) MessageType() Type { return TypeDeploy }

// MessageType implements Body.
func (InitCommand) MessageType() Type { return TypeInit }

// MessageType implements Body.
func (RollbackCommand) MessageType() Type { return TypeRollback }
