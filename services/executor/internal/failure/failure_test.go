package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

func TestEveryErrorHasItsCode(t *testing.T) {
	want := map[error]string{
		ErrDeadline:              contract.FailDeadline,
		context.DeadlineExceeded: contract.FailDeadline,
		ssh.ErrUnreachable:       contract.FailUnreachable,
		ssh.ErrIncompatible:      contract.FailUnreachable,
		ssh.ErrAuth:              contract.FailAuth,
		ssh.ErrHostKeyChanged:    contract.FailHostKeyChanged,
		ssh.ErrHostKeyUnknown:    contract.FailHostKeyUnknown,
		ssh.ErrHostKeyRevoked:    contract.FailHostKeyRevoked,
		ssh.ErrHostCertificate:   contract.FailHostCertificate,
		hosts.ErrNotRecorded:     contract.FailHostKeyUnknown,
		ssh.ErrBadKey:            contract.FailCredential,
		hosts.ErrCredential:      contract.FailCredential,
		ssh.ErrForwarding:        contract.FailJumpRefused,
		ssh.ErrStalled:           contract.FailStalled,
		ssh.ErrConnectionLost:    contract.FailConnectionLost,
		ssh.ErrRefused:           contract.FailHost,
		hosts.ErrKilled:          contract.FailHost,
		hosts.ErrClosed:          contract.FailInternal,
		bundles.ErrMissing:       contract.FailPackageMissing,
		bundles.ErrAltered:       contract.FailPackageCorrupt,
		bundles.ErrLocal:         contract.FailInternal,
		bundles.ErrNoRoom:        contract.FailInternal,
		bundles.ErrClosed:        contract.FailInternal,
		source.ErrGone:           contract.FailPackageMissing,
		source.ErrUnreachable:    contract.FailSourceDown,
		source.ErrDenied:         contract.FailSourceDenied,
		source.ErrRefused:        contract.FailSourceRefused,
		source.ErrCredential:     contract.FailCredential,
		source.ErrTooLarge:       contract.FailPackageRefused,
		source.ErrLocal:          contract.FailInternal,
		archive.ErrCorrupt:       contract.FailPackageCorrupt,
		archive.ErrRefused:       contract.FailPackageRefused,
		archive.ErrFormat:        contract.FailPackageRefused,
		archive.ErrEncrypted:     contract.FailPackageRefused,
		archive.ErrEmpty:         contract.FailPackageRefused,
		archive.ErrName:          contract.FailPackageRefused,
		archive.ErrLink:          contract.FailPackageRefused,
		archive.ErrType:          contract.FailPackageRefused,
		archive.ErrDuplicate:     contract.FailPackageRefused,
		archive.ErrTooLarge:      contract.FailPackageRefused,
		archive.ErrTooMany:       contract.FailPackageRefused,
		archive.ErrTooLong:       contract.FailPackageRefused,
		hostcmd.ErrInvalid:       contract.FailInternal,
		hostcmd.ErrFailed:        contract.FailHost,
		hostcmd.ErrSuperseded:    contract.FailHost,
		hostcmd.ErrBusy:          contract.FailHostBusy,
		hostcmd.ErrDiskFull:      contract.FailDiskFull,
		hostcmd.ErrChecksum:      contract.FailChecksum,
		hostcmd.ErrConflict:      contract.FailReleaseConflict,
		hostcmd.ErrIncomplete:    contract.FailReleaseMissing,
		hostcmd.ErrNoRollback:    contract.FailNoPrevious,
		hostcmd.ErrNotWritable:   contract.FailPermission,
		hostcmd.ErrMissingTool:   contract.FailMissingTool,
		hostcmd.ErrNotALink:      contract.FailCurrentNotALink,
		hostcmd.ErrCommand:       contract.FailCommand,
		hostcmd.ErrNoFile:        contract.FailFileMissing,
		ErrForbidden:             contract.FailFileForbidden,
		ErrSecret:                contract.FailCredential,
		hostcmd.ErrNotShared:     contract.FailLinkedMissing,
		ErrPrepare:               contract.FailPrepare,
		ErrRestart:               contract.FailRestart,
		ErrSetUp:                 contract.FailSetUp,
		ErrCheck:                 contract.FailCheck,
		supervisor.ErrUnknown:    contract.FailCheck,
		supervisor.ErrInvalid:    contract.FailSetUp,
		supervisor.ErrRefused:    contract.FailCheck,
		haproxy.ErrUnfit:         contract.FailBalancer,
		haproxy.ErrRefused:       contract.FailBalancer,
		haproxy.ErrInvalid:       contract.FailInternal,
	}
	for err, code := range want {
		why := Explain(fmt.Errorf("%w: detail", err))
		require.Equal(t, code, why.Code, err.Error())
		require.Equal(t, err.Error()+": detail", why.Reason)
	}
	for _, c := range codes {
		require.Contains(t, want, c.is)
	}
}

func TestADeadlineIsTheReasonWhateverItCutShort(t *testing.T) {
	err := errors.Join(ssh.ErrConnectionLost, ErrDeadline)
	require.Equal(t, contract.FailDeadline, Explain(err).Code)
}

func TestWhatIsUnknownIsAMistakeOfOurs(t *testing.T) {
	require.Equal(t, contract.FailInternal, Explain(errors.New("surprise")).Code)
}

func TestAReasonIsBoundedText(t *testing.T) {
	why := Explain(errors.New(" \xff" + strings.Repeat("ü", maxReason) + "\n"))
	require.LessOrEqual(t, len(why.Reason), maxReason+len("…"))
	require.True(t, strings.HasPrefix(why.Reason, "\ufffdü"))
	require.True(t, strings.HasSuffix(why.Reason, "ü…"))
}
