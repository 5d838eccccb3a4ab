package contract

// Codes of failures: stable names for why a host failed. openapi.yaml lists the
// same.
const (
	FailUnreachable     = "unreachable"       // no connection to the host
	FailAuth            = "auth_failed"       // the host refused the credential
	FailCredential      = "credential_unfit"  // the credential, or a secret of the application, cannot be opened or read
	FailHostKeyChanged  = "host_key_changed"  // the host showed another key than the one stored
	FailHostKeyUnknown  = "host_key_unknown"  // no key is stored and first contact was not allowed
	FailHostKeyRevoked  = "host_key_revoked"  // the key of the host, or of the authority behind it, was revoked
	FailHostCertificate = "host_certificate"  // the host's certificate does not do: expired, for another host, by another authority, or none
	FailJumpRefused     = "jump_refused"      // a jump host does not forward connections
	FailStalled         = "host_stalled"      // the host stopped answering
	FailConnectionLost  = "connection_lost"   // the connection broke, repeatedly
	FailDeadline        = "deadline_exceeded" // the time for the step or the host ran out
	FailDiskFull        = "disk_full"         // no space left on the host
	FailPermission      = "permission_denied" // the user may not write where it must
	FailMissingTool     = "tool_missing"      // a program that Slipway needs is not on the host
	FailChecksum        = "checksum_mismatch" // what arrived is not what was sent
	FailPackageCorrupt  = "package_corrupt"   // the package cannot be read, or is not what was uploaded
	FailPackageRefused  = "package_refused"   // the package holds what must not be unpacked
	FailPackageMissing  = "package_missing"   // the package was deleted, or is not at its source any more
	FailReleaseConflict = "release_conflict"  // the version is on the host with other content
	FailReleaseMissing  = "release_missing"   // the release to switch to is not there or not complete
	FailLinkedMissing   = "linked_missing"    // a file that releases are to share is not there
	FailFileMissing     = "file_missing"      // the log file is not there
	FailFileForbidden   = "file_forbidden"    // the log file is none of those that executors may show
	FailNoPrevious      = "no_previous"       // nothing to roll back to
	FailCurrentNotALink = "current_not_link"  // something else stands where the link belongs
	FailHostBusy        = "host_busy"         // another installation, or another server of the inventory with the same login, works on the host
	FailLockBroken      = "lock_broken"       // a person took the host from the deployment
	FailJobLost         = "job_lost"          // the broker lost the job after it had begun
	FailAttempts        = "attempts_exceeded" // too many attempts were cut short
	FailNoExecutor      = "no_executor"       // no executor serves the zone of the host
	FailCommand         = "command_failed"    // a command that the deployment was given for its hosts failed
	FailPrepare         = "prepare_failed"    // what the release needs to run could not be made
	FailRestart         = "restart_failed"    // the release was switched to, and could not be restarted
	FailCheck           = "check_failed"      // the release was switched to, and does not run as it should
	FailSetUp           = "setup_failed"      // the supervisor does not take the application's programs
	FailBalancer        = "balancer_error"    // a balancer refused to switch, or finds the set unfit for traffic
	FailSuperseded      = "superseded"        // a later deployment has switched this balancer since
	FailHost            = "host_error"        // a command on the host failed otherwise
	FailInternal        = "internal_error"    // a mistake in Slipway

	// Of packages that are fetched from a source.
	FailSourceDown    = "source_unreachable" // it does not answer, or not to the end
	FailSourceDenied  = "source_denied"      // it does not let the executor in
	FailSourceRefused = "source_refused"     // the executor may not, or cannot, fetch from there
)
