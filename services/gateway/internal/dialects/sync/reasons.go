package sync

import (
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// What clients have always read.
const (
	deployed    = "部署成功!"
	rolledBack  = "回滚成功!"
	initialised = "初始化成功!"

	sshFailed      = "SSH连接失败"
	sshAuthFailed  = "SSH认证失败"
	downloadFailed = "下载文件失败"
)

// What is said in the same manner where more is known.
const (
	unknownServer   = "服务器未登记"
	ambiguousServer = "多台服务器使用该地址, 请使用服务器名称"
	corrupt         = "文件校验失败"
	otherContent    = "同名文件内容不同"
	tooLarge        = "文件过大"
	notReleased     = "版本不存在"
	notDeployed     = "未部署"
	notKnown        = "安装包不存在"
	cancelled       = "已取消"
	wrongParameter  = "参数错误"
)

// reasons is what the codes of failures are called; with what is known besides, but for
// those at which clients look.
var reasons = map[string]string{
	contract.FailUnreachable:     sshFailed,
	contract.FailStalled:         sshFailed,
	contract.FailConnectionLost:  sshFailed,
	contract.FailJumpRefused:     sshFailed,
	contract.FailAuth:            sshAuthFailed,
	contract.FailPackageMissing:  downloadFailed,
	contract.FailSourceDown:      downloadFailed,
	contract.FailSourceDenied:    downloadFailed,
	contract.FailSourceRefused:   downloadFailed,
	contract.FailCredential:      "SSH凭证无效",
	contract.FailHostKeyChanged:  "SSH主机密钥错误",
	contract.FailHostKeyUnknown:  "SSH主机密钥错误",
	contract.FailHostKeyRevoked:  "SSH主机密钥错误",
	contract.FailHostCertificate: "SSH主机密钥错误",
	contract.FailChecksum:        corrupt,
	contract.FailPackageCorrupt:  "文件损坏",
	contract.FailPackageRefused:  "文件内容不允许",
	contract.FailReleaseConflict: otherContent,
	contract.FailReleaseMissing:  notReleased,
	contract.FailDeadline:        "执行超时",
	contract.FailDiskFull:        "磁盘空间不足",
	contract.FailPermission:      "权限不足",
	contract.FailMissingTool:     "缺少命令",
	contract.FailCurrentNotALink: "软连接位置被占用",
	contract.FailLinkedMissing:   "共享文件不存在",
	contract.FailFileMissing:     "日志文件不存在",
	contract.FailFileForbidden:   "不允许查看该日志文件",
	contract.FailHostBusy:        "服务器被占用",
	contract.FailNoExecutor:      "没有可用的执行器",
	contract.FailPrepare:         "准备失败",
	contract.FailCommand:         "命令执行失败",
	contract.FailRestart:         "重启失败",
	contract.FailCheck:           "健康检查失败",
	contract.FailSetUp:           "supervisor配置失败",
}

// exact are the reasons that clients compare.
var exact = map[string]bool{sshFailed: true, sshAuthFailed: true, downloadFailed: true}

// reason says why something failed on a server; nil is that it was cancelled there.
func reason(f *dialects.Failure) string {
	if f == nil {
		return cancelled
	}
	said, ok := reasons[f.Code]
	switch {
	case !ok:
		said = "执行失败"
	case exact[said]:
		return said
	}
	return said + ": " + f.Reason
}

// words is what is wrong with a field.
var words = map[string]string{
	dialects.Missing:    "不能为空",
	dialects.NotText:    "必须是字符串",
	dialects.NotNumber:  "必须是整数",
	dialects.NotBoolean: "必须是true或false",
	dialects.NotList:    "必须是列表",
}

func wordOf(w dialects.Wrong) string {
	if said, ok := words[w.Message]; ok {
		return wrongParameter + ": " + said
	}
	return wrongParameter + ": " + w.Message
}

// refused says why a native operation, which was asked for all servers at once, was not
// done; err where that is for the client to know as it is.
func refused(err error) (string, error) {
	p, ok := problemIn(err)
	if !ok {
		return "", err
	}
	switch p.Code {
	case "fetch_failed", "fetch_refused":
		return downloadFailed, nil
	case "digest_mismatch":
		return corrupt, nil
	case "version_conflict":
		return otherContent, nil
	case "payload_too_large":
		return tooLarge, nil
	}
	return "", err
}
