package executor

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/supervisortest"
)

func TestAnInitHasTheSupervisorKnowTheApplication(t *testing.T) {
	s := newSystem(t)
	visor := supervisortest.Start(t, nil)
	s.executor(func(c *Config) { c.Supervisor.Directory = visor.Conf })
	h := hosttest.Start(t, 1)[0]
	place := app
	place.Path = filepath.Join(h.Home, app.Path)
	runs := filepath.Join(h.Home, "runs")
	offer := func(content string) string {
		return s.offer(h.Name, contract.InitJob{
			Application: place, Target: s.target(h), Programs: contract.Programs{Content: content, Socket: visor.Socket},
		})
	}
	file := filepath.Join(visor.Conf, "shop.conf")
	configured := func() string {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(content)
	}
	program := func(says string) string {
		return "[program:shop]\ncommand=/bin/sh -c \"echo " + says + " >" + runs + "; exec sleep 600\"\nstartsecs=0\n" +
			"stdout_logfile=" + place.Path + "/shared/log/shop.log\n"
	}
	awaitRun := func(says string) {
		require.Eventually(t, func() bool {
			said, err := os.ReadFile(runs)
			return err == nil && string(said) == says+"\n"
		}, patience, 5*time.Millisecond)
	}

	id := offer(program("one"))
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Note: "the supervisor took up shop"}, s.await(id, h.Name))
	require.Equal(t, "started, connect running, connect succeeded, setup running, setup succeeded, succeeded", steps(s.story(id, h.Name)))
	awaitRun("one")
	require.Equal(t, "the supervisor knows all of it already", s.await(offer(program("one")), h.Name).Note)
	require.Equal(t, "succeeded", s.await(offer(program("two")), h.Name).State)
	awaitRun("two")

	for content, why := range map[string]string{
		"[program:shop]\nautostart=true\n":                                                   "does not specify a command",
		program("three") + "[program:more]\ncommand=/bin/true\nstdout_logfile=/no/where/x\n": "/no/where",
	} {
		ended := s.await(offer(content), h.Name)
		require.Equal(t, "failed", ended.State)
		require.Equal(t, contract.FailSetUp, ended.Failure.Code, ended.Failure.Reason)
		require.Contains(t, ended.Failure.Reason, why)
		require.Equal(t, program("two"), configured(), "what was there before is there again")
		awaitRun("two")
	}
	require.Equal(t, "the supervisor knows all of it already", s.await(offer(program("two")), h.Name).Note, "and it runs")

	gone := contract.InitJob{Application: place, Target: s.target(h), Programs: contract.Programs{Content: program("four"), Socket: visor.Socket + "-none"}}
	gone.Application.Name = "other"
	ended := s.await(s.offer(h.Name, gone), h.Name)
	require.Equal(t, contract.FailSetUp, ended.Failure.Code, ended.Failure.Reason)
	require.NoFileExists(t, filepath.Join(visor.Conf, "other.conf"))
}
