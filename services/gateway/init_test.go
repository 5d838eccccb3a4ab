package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const initPath = "/v1/applications/shop/init"

func TestAnInitIsADeploymentOfItsOwnKind(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	ids := f.fleet("a", "b")
	asked := object{"servers": ids, "supervisor": object{"content": "[program:shop]\ncommand=x\n"}}
	made := f.post(initPath, asked).is(202)
	require.Equal(t, "init", made.text("kind"))
	require.Equal(t, "apps/shop", made.text("path"))
	want := contract.Programs{Content: "[program:shop]\ncommand=x\n", Socket: "/run/supervisor.sock"}
	command := f.command(made.id()).Body.(contract.InitCommand)
	require.Equal(t, want, command.Programs)
	require.Equal(t, 2, command.Snapshot.Targets)

	other := f.post(initPath, object{
		"project": "p", "path": "/srv/shop/", "failures": object{"total": 1},
		"supervisor": object{"content": "[program:shop]", "socket": "/s"}, "servers": ids[:1],
	}).is(202)
	command = f.command(other.id()).Body.(contract.InitCommand)
	require.Equal(t, contract.Programs{Content: "[program:shop]", Socket: "/s"}, command.Programs)
	require.Equal(t, "/srv/shop", command.Application.Path)
	require.Equal(t, "1", command.Policy.Failures.Total)

	byProfile := f.post(initPath, asked.with(object{"profile": "golang", "directory": "profile"})).is(202)
	require.Equal(t, "/opt/profile", byProfile.text("path"))

	d := finished(made.id(), "", 2)
	d.Kind, d.Seq, d.State = "init", f.begin(made.id()), "failed"
	h.know(d, contract.TargetStatus{Host: ids[1], Name: "b", State: "failed"})
	f.post("/v1/deployments/"+made.id()+"/rollback", object{}).refused(409, "not_a_deploy")
	retry := f.post("/v1/deployments/"+made.id()+"/retry", object{}).is(202)
	command = f.command(retry.id()).Body.(contract.InitCommand)
	require.Equal(t, want, command.Programs)
	require.Equal(t, 1, command.Snapshot.Targets)
	require.Equal(t, made.id(), command.RetryOf)
}

func TestAnInitWaitsForAPlaceOrIsRefused(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	asked := object{"servers": f.fleet("a"), "supervisor": object{"content": "[program:shop]"}}
	f.post(initPath, asked.with(object{"when_busy": "refuse"})).refused(429, "too_many_deployments")
	require.Zero(t, f.commands())
	f.post(initPath, asked).is(202)
	s.makeRoom(1)
	f.post(initPath, asked.with(object{"when_busy": "refuse"})).is(202)
}

func TestWhatAnInitCannotHaveIsNamed(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	good := object{"servers": ids, "supervisor": object{"content": "[program:shop]"}}
	for name, c := range map[string]struct {
		body  object
		field string
	}{
		"no supervisor": {object{"supervisor": nil}, "supervisor"},
		"no content":    {object{"supervisor": object{}}, "supervisor.content"},
		"no section":    {object{"supervisor": object{"content": "command=x"}}, "supervisor.content"},
		"supervisord":   {object{"supervisor": object{"content": "[program:shop]\n[supervisord]\nuser=root"}}, "supervisor.content"},
		"socket":        {object{"supervisor": object{"content": "[program:shop]", "socket": "s"}}, "supervisor.socket"},
		"no servers":    {object{"servers": nil}, "servers"},
		"rollback":      {object{"failures": object{"then": "rollback"}}, "failures.then"},
		"path":          {object{"path": "/"}, "path"},
		"profile":       {object{"profile": "cobol"}, "profile"},
		"directory":     {object{"directory": "x"}, "directory"},
		"version":       {object{"version": "1"}, "version"},
	} {
		require.Contains(t, f.post(initPath, good.with(c.body)).refused(422, "invalid_request"), c.field, name)
	}
	require.Contains(t, f.post("/v1/applications/Sh%20op/init", good).refused(422, "invalid_request"), "application")
}
