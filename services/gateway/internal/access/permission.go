package access

import "slices"

// Permission is what a caller must be allowed to do for a request.
type Permission string

// The permissions. What each is for is said in Permissions.
const (
	SelfRead           Permission = "self.read"
	ServersRead        Permission = "servers.read"
	ServersWrite       Permission = "servers.write"
	ProjectsRead       Permission = "projects.read"
	ProjectsWrite      Permission = "projects.write"
	PackagesRead       Permission = "packages.read"
	PackagesWrite      Permission = "packages.write"
	PackagesDelete     Permission = "packages.delete"
	DeploymentsRead    Permission = "deployments.read"
	DeploymentsCreate  Permission = "deployments.create"
	DeploymentsControl Permission = "deployments.control"
	DeploymentsApprove Permission = "deployments.approve"
	DeploymentsReject  Permission = "deployments.reject"
	HistoryRead        Permission = "history.read"
	ReleasesRead       Permission = "releases.read"
	LogsRead           Permission = "logs.read"
	LocksRead          Permission = "locks.read"
	LocksBreak         Permission = "locks.break"
	ServicesRead       Permission = "services.read"
	WebhooksRead       Permission = "webhooks.read"
	WebhooksWrite      Permission = "webhooks.write"
	TokensRead         Permission = "tokens.read"
	TokensWrite        Permission = "tokens.write"
	AuditRead          Permission = "audit.read"
)

// Reach is what a permission is about.
type Reach int

// The reaches; see the package.
const (
	Everywhere Reach = iota
	PerProject
	Anywhere
)

func (r Reach) String() string {
	return [...]string{"the installation", "a project", "shared by all"}[r]
}

// Role is a set of permissions.
type Role string

// The roles.
const (
	Viewer        Role = "viewer"
	Deployer      Role = "deployer"
	Approver      Role = "approver"
	Administrator Role = "administrator"
)

// Roles returns all roles.
func Roles() []Role { return []Role{Viewer, Deployer, Approver, Administrator} }

// Rule says of a permission what it is about and which roles have it.
type Rule struct {
	Permission Permission
	Reach      Reach
	Roles      []Role
	For        string // people
}

var (
	everybody  = Roles()
	deployers  = []Role{Deployer, Administrator}
	approvers  = []Role{Approver, Administrator}
	administer = []Role{Administrator}
)

// rules is the whole of who may do what; docs/access.md shows it.
var rules = []Rule{
	{SelfRead, Anywhere, everybody, "who one is; every caller may, also without a role"},
	{ServersRead, Anywhere, everybody, "servers, never their credentials; groups of them"},
	{ServersWrite, Everywhere, administer, "servers, their credentials and host keys; groups of them"},
	{ProjectsRead, PerProject, everybody, "projects, their applications, stages and templates; never their secrets"},
	{ProjectsWrite, PerProject, administer, "projects, their applications, stages and templates"},
	{PackagesRead, Anywhere, everybody, "packages"},
	{PackagesWrite, PerProject, deployers, "add a package; one that is there is never replaced"},
	{PackagesDelete, Everywhere, deployers, "delete a package"},
	{DeploymentsRead, PerProject, everybody, "deployments, their targets, output and events"},
	{DeploymentsCreate, PerProject, deployers, "deploy, roll back, retry, init; plan"},
	{DeploymentsControl, PerProject, deployers, "cancel, pause, resume, promote, skip"},
	{DeploymentsApprove, PerProject, approvers, "approve a deployment that waits for it"},
	{DeploymentsReject, PerProject, []Role{Deployer, Approver, Administrator}, "reject a deployment that waits"},
	{HistoryRead, Everywhere, everybody, "what runs where and did, statistics, how far history is"},
	{ReleasesRead, Everywhere, everybody, "what servers hold, read from them"},
	{LogsRead, Everywhere, deployers, "log files, read from servers; secrets in them are not hidden"},
	{LocksRead, Everywhere, everybody, "which deployment has which server"},
	{LocksBreak, Everywhere, administer, "take a server from a deployment"},
	{ServicesRead, Everywhere, everybody, "the replicas of Slipway's own services, and its health"},
	{WebhooksRead, PerProject, deployers, "webhooks and their deliveries"},
	{WebhooksWrite, PerProject, administer, "webhooks; replay deliveries"},
	{TokensRead, PerProject, administer, "API tokens, never the tokens themselves"},
	{TokensWrite, PerProject, administer, "make and revoke API tokens"},
	{AuditRead, Everywhere, administer, "the audit log"},
}

// Rules returns the table of who may do what. It is for reading.
func Rules() []Rule { return slices.Clone(rules) }

// byPermission is rules, to be looked up in.
var byPermission = func() map[Permission]Rule {
	all := make(map[Permission]Rule, len(rules))
	for _, r := range rules {
		all[r.Permission] = r
	}
	return all
}()

// Known says whether there is such a permission.
func (p Permission) Known() bool { _, ok := byPermission[p]; return ok }

// Reach returns what the permission is about.
func (p Permission) Reach() Reach { return byPermission[p].Reach }

// has says whether the role has the permission. An unknown role has none, and
// nobody has an unknown permission.
func (r Role) has(p Permission) bool { return slices.Contains(byPermission[p].Roles, r) }

// Known says whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }
