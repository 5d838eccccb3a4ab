package inspect

import (
	"context"
	"path"
	"strings"
	"sync"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

func (i *inspector) logs(ctx context.Context, raw []byte) contract.Body {
	m, err := contract.Decode(raw)
	if err != nil {
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	}
	ask, ok := m.Body.(contract.TailLogs)
	if !ok || len(ask.Targets) > contract.TailHosts || ask.Lines > contract.TailLines {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "not a question about logs, or of too many hosts or lines"}
	}
	answer := contract.Logs{Hosts: make([]contract.HostLog, len(ask.Targets))}
	var reading sync.WaitGroup
	for n, t := range ask.Targets {
		reading.Go(func() { answer.Hosts[n] = i.tail(ctx, ask, t) })
	}
	reading.Wait()
	return answer
}

// tail reads the end of the file on one host.
func (i *inspector) tail(ctx context.Context, ask contract.TailLogs, t contract.Target) contract.HostLog {
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	log := contract.HostLog{Host: t.Host}
	if !i.mayShow(ask.File) {
		log.Failure = failure.Explain(failure.ErrForbidden)
		return log
	}
	out, err := i.ask(ctx, t, func() (hostcmd.Command, error) {
		return hostcmd.Tail(ask.Path, ask.File, ask.Lines, contract.TailBytes)
	})
	if err != nil {
		log.Failure = failure.Explain(err)
		return log
	}
	for _, line := range out.All(hostcmd.KeyLine) {
		log.Lines = append(log.Lines, strings.ToValidUTF8(line, "\uFFFD"))
	}
	return log
}

// mayShow says whether a file is among those that may be shown. A pattern matches
// within one directory at a time.
func (i *inspector) mayShow(file string) bool {
	if file != path.Clean(file) {
		return false
	}
	for _, pattern := range i.set.Logs {
		if ok, _ := path.Match(pattern, file); ok { // patterns are checked when the executor starts
			return true
		}
	}
	return false
}
