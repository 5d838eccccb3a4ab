package contract

import "strings"

// Version is the version of every subject and message type in this package.
const Version = 1

// Streams, buckets and the subjects in them. asyncapi.yaml lists the same.
const (
	StreamCommands = "CMD"  // what was asked for
	StreamJobs     = "JOBS" // one job a host, at most one stored
	StreamEvents   = "EV"   // what happened; its sequences are the fencing tokens

	StreamTimers = "TIMERS" // when to look at a deployment again
	StreamHooked = "HOOKED" // what became of deliveries to webhooks
	StreamAudit  = "AUDIT"  // who asked for what, and what became of it

	StreamReplicas = "REPLICAS" // how replicas of services came and went

	BucketDeploy      = "DEPLOY"      // the scheduler's state of each deployment
	BucketLocks       = "LOCKS"       // who may work on which host next
	BucketSnapshots   = "SNAPSHOTS"   // targets of a deployment, in pieces, as they were when it was asked for
	BucketServers     = "SERVERS"     // inventory
	BucketPackages    = "PACKAGES"    // packages, without their content
	BucketTokens      = "TOKENS"      // API tokens, hashed
	BucketIdempotency = "IDEMPOTENCY" // first answers by Idempotency-Key
	BucketWebhooks    = "WEBHOOKS"    // who wants to be told of events, and where
	BucketProjects    = "PROJECTS"    // what deployments refer to by name: projects and what is in them, groups of servers
	BucketHooks       = "HOOKS"       // deliveries to webhooks that are under way, and which gateway carries them
	BucketNumbers     = "NUMBERS"     // numbers of objects, for clients who know things by those
	ObjectsPackages   = "PACKAGES"    // object store with the packages' content

	prefix = "slipway.v1."

	CommandsAll  = prefix + "cmd.*.*"
	JobsAll      = prefix + "job.*.*"
	EventsAll    = prefix + "ev.>"
	EventsOfJobs = prefix + "ev.*.job.*"
	EventsOfStop = prefix + "ev.*.stop"
	TimersAll    = prefix + "timer.>"
	TimersFired  = prefix + "timer.fire.*.wake"
	EventsOfSys  = prefix + "ev.*.sys"
	HookedAll    = prefix + "hooked.*"
	AuditLog     = prefix + "audit"
	ReplicasAll  = prefix + "replica.*.*"

	HookedDeadAll = prefix + "hooked.*.dead.*"

	QueryDeployment  = prefix + "query.deployment"  // history: one deployment
	QueryDeployments = prefix + "query.deployments" // history: a page of the list
	QueryTargets     = prefix + "query.targets"     // history: a page of targets
	QueryOutput      = prefix + "query.output"      // history: a page of what was said on hosts

	QueryRunning    = prefix + "query.running"    // history: what runs where
	QueryStatistics = prefix + "query.statistics" // history: what deployments came to
	QueryHistory    = prefix + "query.history"    // history: how far it is

	Controls   = prefix + "control"     // scheduler: change the course of a deployment
	Admissions = prefix + "admit"       // scheduler: keep a place for a deployment that must not wait for one
	QueryLocks = prefix + "query.locks" // scheduler: who has, and waits for, hosts and places
	LockBreaks = prefix + "lock.break"  // scheduler: take a host from the deployment that has it

	RecordHostKeys = prefix + "inventory.hostkey" // gateway: keep the key of a first contact

	// MetadataInstallation is the key in the metadata of EV under which the
	// random id of this installation stands. Fencing tokens of different
	// installations are never compared: each stream counts from one.
	MetadataInstallation = "slipway.installation"
)

// CommandSubject is where the command of this verb for a deployment goes.
func CommandSubject(verb Verb, deployment string) string {
	return prefix + "cmd." + string(verb) + "." + deployment
}

// AnyCommandSubject matches the commands of all verbs for a deployment.
func AnyCommandSubject(deployment string) string { return prefix + "cmd.*." + deployment }

// JobSubject is where jobs for a host go, for the executors of its zone. The host
// is its server id: one token.
func JobSubject(zone, host string) string { return prefix + "job." + zoneToken(zone) + "." + host }

// AnyJobSubject matches the jobs for a host in all zones.
func AnyJobSubject(host string) string { return prefix + "job.*." + host }

// JobsOfZone matches the jobs for all hosts of a zone.
func JobsOfZone(zone string) string { return JobSubject(zone, "*") }

// ReleasesSubject is where executors of a zone are asked what hosts hold.
func ReleasesSubject(zone string) string { return prefix + "query.releases." + zoneToken(zone) }

// SourceSubject is where executors of a zone are asked about sources of packages.
func SourceSubject(zone string) string { return prefix + "query.source." + zoneToken(zone) }

// LogsSubject is where executors of a zone are asked for the end of log files.
func LogsSubject(zone string) string { return prefix + "query.logs." + zoneToken(zone) }

// ExecutorSubject is where every executor that takes jobs of a zone answers.
func ExecutorSubject(zone string) string { return prefix + "executor." + zoneToken(zone) }

// JobEventSubject is where events about a deployment on a host go.
func JobEventSubject(deployment, host string) string {
	return prefix + "ev." + deployment + ".job." + host
}

// OutputSubject is where what is said on a host for a deployment goes: apart from the
// events of its job, of which the last one counts.
func OutputSubject(deployment, host string) string {
	return prefix + "ev." + deployment + ".output." + host
}

// JobEventsOf matches the events about a deployment on all its hosts.
func JobEventsOf(deployment string) string { return prefix + "ev." + deployment + ".job.*" }

// JobEventsOn matches the events about all deployments on a host.
func JobEventsOn(host string) string { return prefix + "ev.*.job." + host }

// SystemEventSubject is where events about a deployment as a whole go.
func SystemEventSubject(deployment string) string { return prefix + "ev." + deployment + ".sys" }

// StopSubject is where the word goes that nothing of a deployment is to begin any
// more: at most one event for each deployment. Executors look there before each
// step.
func StopSubject(deployment string) string { return prefix + "ev." + deployment + ".stop" }

// TimerSet is where the time goes at which a deployment is to be looked at.
func TimerSet(deployment string) string { return prefix + "timer.set." + deployment + ".wake" }

// TimerFired is where the broker says that this time has come.
func TimerFired(deployment string) string { return prefix + "timer.fire." + deployment + ".wake" }

// HookedSubject is where the deliveries to a webhook go that have ended.
func HookedSubject(webhook string) string { return prefix + "hooked." + webhook }

// HookedDeadSubject is where those go that are dead, or were sent again by a person.
func HookedDeadSubject(webhook, part string) string {
	return prefix + "hooked." + webhook + ".dead." + part
}

// ReplicaSubject is where the life of a replica of a service is told.
func ReplicaSubject(service, replica string) string {
	return prefix + "replica." + service + "." + replica
}

// DeploymentEvents matches every event of a deployment.
func DeploymentEvents(deployment string) string { return prefix + "ev." + deployment + ".>" }

// About is which deployment and which host a subject of commands, jobs, events or
// timers is about; "" where it names none.
func About(subject string) (deployment, host string) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return "", ""
	}
	switch t := strings.Split(rest, "."); {
	case t[0] == "cmd" && len(t) == 3: // verb, deployment
		return t[2], ""
	case t[0] == "job" && len(t) == 3: // zone, host
		return "", t[2]
	case t[0] == "ev" && len(t) == 4: // deployment, job or output, host
		return t[1], t[3]
	case t[0] == "ev" && len(t) == 3: // deployment, sys or stop
		return t[1], ""
	case t[0] == "timer" && len(t) == 4: // set or fire, deployment, wake
		return t[2], ""
	default:
		return "", ""
	}
}

// ValidToken says whether s can stand as one token of a subject and as a key of
// a bucket: ids can, names cannot.
func ValidToken(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
