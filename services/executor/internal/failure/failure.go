// Package failure turns the errors of the executor's parts into what users read:
// a stable code and a sentence without secrets.
package failure

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/haproxy"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
	"github.com/slipway-deploy/slipway/services/executor/internal/supervisor"
)

var (
	// ErrDeadline says that the time for a step, or for all of them, is up.
	ErrDeadline = errors.New("the time allowed for it is up")
	// ErrForbidden says that a file is none of those that may be shown.
	ErrForbidden = errors.New("the file is none of those that the setting logs.allow lets be shown")
	// ErrSecret says that a secret cannot be opened: it was sealed to another key, or not
	// for this.
	ErrSecret = errors.New("a secret of the application cannot be opened")
	// ErrPrepare says that what the release needs to run could not be made.
	ErrPrepare = errors.New("the release could not be prepared")
	// ErrRestart says that the release runs not, or not certainly, though it was
	// switched to: whatever was to start it failed.
	ErrRestart = errors.New("the restart failed")
	// ErrSetUp says that the supervisor does not know the programs of an application as
	// it should; it knows them as it did before.
	ErrSetUp = errors.New("the supervisor was not set up")
	// ErrCheck says that the release was switched to and does not run as it should.
	ErrCheck = errors.New("the check failed")
)

// codes is asked from the top: the first sentinel that an error is decides.
var codes = []struct {
	is   error
	code string
}{
	{ErrDeadline, contract.FailDeadline},
	{context.DeadlineExceeded, contract.FailDeadline},
	{ssh.ErrUnreachable, contract.FailUnreachable},
	{ssh.ErrIncompatible, contract.FailUnreachable},
	{ssh.ErrAuth, contract.FailAuth},
	{ssh.ErrHostKeyChanged, contract.FailHostKeyChanged},
	{ssh.ErrHostKeyUnknown, contract.FailHostKeyUnknown},
	{ssh.ErrHostKeyRevoked, contract.FailHostKeyRevoked},
	{ssh.ErrHostCertificate, contract.FailHostCertificate},
	{hosts.ErrNotRecorded, contract.FailHostKeyUnknown},
	{ssh.ErrBadKey, contract.FailCredential},
	{hosts.ErrCredential, contract.FailCredential},
	{ErrSecret, contract.FailCredential},
	{ssh.ErrForwarding, contract.FailJumpRefused},
	{ssh.ErrStalled, contract.FailStalled},
	{ssh.ErrConnectionLost, contract.FailConnectionLost},
	{bundles.ErrMissing, contract.FailPackageMissing},
	{bundles.ErrAltered, contract.FailPackageCorrupt},
	{source.ErrGone, contract.FailPackageMissing},
	{source.ErrUnreachable, contract.FailSourceDown},
	{source.ErrDenied, contract.FailSourceDenied},
	{source.ErrRefused, contract.FailSourceRefused},
	{source.ErrCredential, contract.FailCredential},
	{source.ErrTooLarge, contract.FailPackageRefused},
	{archive.ErrCorrupt, contract.FailPackageCorrupt},
	{archive.ErrRefused, contract.FailPackageRefused},
	{hostcmd.ErrDiskFull, contract.FailDiskFull},
	{hostcmd.ErrChecksum, contract.FailChecksum},
	{hostcmd.ErrConflict, contract.FailReleaseConflict},
	{hostcmd.ErrIncomplete, contract.FailReleaseMissing},
	{hostcmd.ErrNoFile, contract.FailFileMissing},
	{ErrForbidden, contract.FailFileForbidden},
	{hostcmd.ErrNotShared, contract.FailLinkedMissing},
	{hostcmd.ErrNoRollback, contract.FailNoPrevious},
	{hostcmd.ErrNotWritable, contract.FailPermission},
	{hostcmd.ErrMissingTool, contract.FailMissingTool},
	{hostcmd.ErrNotALink, contract.FailCurrentNotALink},
	{hostcmd.ErrBusy, contract.FailHostBusy},
	{ErrPrepare, contract.FailPrepare},
	{ErrRestart, contract.FailRestart},
	{ErrSetUp, contract.FailSetUp},
	{ErrCheck, contract.FailCheck},
	{supervisor.ErrInvalid, contract.FailSetUp},
	{supervisor.ErrUnknown, contract.FailCheck},
	{supervisor.ErrRefused, contract.FailCheck},
	{hostcmd.ErrCommand, contract.FailCommand},
	{haproxy.ErrUnfit, contract.FailBalancer},
	{haproxy.ErrRefused, contract.FailBalancer},
	{hostcmd.ErrSuperseded, contract.FailHost},
	{hostcmd.ErrFailed, contract.FailHost},
	{hosts.ErrKilled, contract.FailHost},
	{ssh.ErrRefused, contract.FailHost},
	{bundles.ErrLocal, contract.FailInternal},
	{bundles.ErrClosed, contract.FailInternal},
	{hosts.ErrClosed, contract.FailInternal},
}

// maxReason bounds a reason, in bytes: it travels in an event and rests in a
// document that many targets share.
const maxReason = 1000

// Explain returns the failure that the error is. What is none of the known ones
// is a mistake in Slipway and says so.
func Explain(err error) *contract.Failure {
	reason := strings.ToValidUTF8(strings.TrimSpace(err.Error()), "�")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	for _, c := range codes {
		if errors.Is(err, c.is) {
			return &contract.Failure{Code: c.code, Reason: reason}
		}
	}
	return &contract.Failure{Code: contract.FailInternal, Reason: reason}
}
