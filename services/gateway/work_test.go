package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// work is all that may be said of what an application needs on its servers.
var work = object{
	"environment": object{"B": "it's\n\"$(two)\"", "A": "ü"},
	"linked":      object{"files": []string{".env"}, "directories": []string{"log"}},
	"hooks": object{
		"before": []object{{"name": "guard", "command": "true", "user": "www-data", "timeout": "30s", "rollback": true}},
		"during": []object{{"name": "migrate", "script": "bin/migrate", "environment": object{"V": "1"}}},
		"after":  []object{},
	},
	"restart": object{"supervisor": object{"program": "shop"}},
	"checks": []object{
		{"command": "bin/healthy"},
		{"http": object{"url": "http://127.0.0.1:8080/health", "status": "200", "body": "{{version}}"}},
		{"name": "port", "tcp": "127.0.0.1:8080"},
		{"process": object{"supervisor": object{"program": "shop:a", "socket": "/s"}, "for": "5s"}},
		{"process": object{"pidfile": "tmp/pid"}}, {"process": object{"pattern": "java"}},
		{"name": "deep", "command": "bin/deep", "delay": "2s", "interval": "5s", "tries": 3, "timeout": "1m"},
	},
}

var wantedWork = &contract.Work{
	Environment: []contract.Variable{{Name: "A", Value: "ü"}, {Name: "B", Value: "it's\n\"$(two)\""}},
	Linked:      &contract.Linked{Files: []string{".env"}, Directories: []string{"log"}},
	Hooks: []contract.Hook{
		{Step: "before", Name: "guard", Command: "true", User: "www-data", Timeout: 30_000, Rollback: true},
		{Step: "during", Name: "migrate", Script: "bin/migrate", Environment: []contract.Variable{{Name: "V", Value: "1"}}},
	},
	Restart: &contract.Restart{Supervisor: &contract.Supervisor{Program: "shop", Socket: "/run/supervisor.sock"}},
	Checks: []contract.HostCheck{
		{Name: "check 1", Command: "bin/healthy", Interval: 1000, Tries: 10, Timeout: 5000},
		{Name: "check 2", HTTP: &contract.HTTPCheck{URL: "http://127.0.0.1:8080/health", Method: "GET", Status: "200", Body: "{{version}}"}, Interval: 1000, Tries: 10, Timeout: 5000},
		{Name: "port", TCP: "127.0.0.1:8080", Interval: 1000, Tries: 10, Timeout: 5000},
		{Name: "check 4", Process: &contract.ProcessCheck{Supervisor: &contract.Supervisor{Program: "shop:a", Socket: "/s"}, For: 5000}, Interval: 1000, Tries: 10, Timeout: 5000},
		{Name: "check 5", Process: &contract.ProcessCheck{Pidfile: "tmp/pid"}, Interval: 1000, Tries: 10, Timeout: 5000},
		{Name: "check 6", Process: &contract.ProcessCheck{Pattern: "java"}, Interval: 1000, Tries: 10, Timeout: 5000},
		{Name: "deep", Command: "bin/deep", Delay: 2000, Interval: 5000, Tries: 3, Timeout: 60_000},
	},
}

func TestWhatAnApplicationNeedsGoesWithItsCommand(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	ids := f.fleet("a")
	shipped := f.shop("2")
	asked := object{"application": "shop", "version": "2", "servers": ids}
	plain := as[plan](f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200))
	p := as[plan](f.post("/v1/deployments", asked.with(work).with(object{"dry_run": true})).is(200))
	require.Equal(t, []string{"connect", "before", "stage", "switch", "during", "restart", "check", "clean"}, p.Steps)
	require.NotEqual(t, plain.Digest, p.Digest)
	other := asked.with(work).with(object{"environment": object{"A": "u"}, "dry_run": true})
	require.NotEqual(t, p.Digest, as[plan](f.post("/v1/deployments", other).is(200)).Digest)

	id := f.post("/v1/deployments", asked.with(work)).is(202).id()
	require.Equal(t, wantedWork, f.command(id).Body.(contract.DeployCommand).Work)

	d := finished(id, "2", 1)
	d.Seq, d.State, d.Package = f.begin(id), "failed", shipped
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "failed", Changed: true})
	rollback := f.post("/v1/deployments/"+id+"/rollback", object{}).is(202).id()
	require.Equal(t, wantedWork, f.command(rollback).Body.(contract.RollbackCommand).Work)
	retry := f.post("/v1/deployments/"+id+"/retry", object{}).is(202).id()
	require.Equal(t, wantedWork, f.command(retry).Body.(contract.DeployCommand).Work)
}

func TestWhatAnApplicationCannotNeedIsNamed(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		work  object
		field string
	}{
		"a name":          {object{"environment": object{"1": ""}}, "environment.1"},
		"a reserved name": {object{"environment": object{"SLIPWAY_X": ""}}, "environment.SLIPWAY_X"},
		"a NUL":           {object{"environment": object{"A": "\x00"}}, "environment.A"},
		"no text":         {object{"environment": object{"A": 1}}, "environment.A"},
		"too much":        {object{"environment": object{"A": strings.Repeat("x", 65<<10)}}, "environment"},
		"too many": {object{"environment": func() object {
			all := object{}
			for i := range 201 {
				all[fmt.Sprint("A", i)] = ""
			}
			return all
		}()}, "environment"},
		"all together": {object{"hooks": object{"after": func() (all []object) {
			for range 20 {
				all = append(all, object{"name": "a", "command": "true", "environment": object{"A": strings.Repeat("x", 20<<10)}})
			}
			return all
		}()}}, "environment"},
		"a linked path outside": {object{"linked": object{"files": []string{"a", "../b"}}}, "linked.files[1]"},
		"a linked path twice":   {object{"linked": object{"files": []string{"a"}, "directories": []string{"a"}}}, "linked"},
		"one inside another":    {object{"linked": object{"files": []string{"log/a"}, "directories": []string{"log"}}}, "linked"},
		"no moment":             {object{"hooks": object{"later": []object{}}}, "hooks.later"},
		"neither":               {object{"hooks": object{"after": []object{{"name": "a"}}}}, "hooks.after[0].command"},
		"both":                  {object{"hooks": object{"after": []object{{"name": "a", "command": "a", "script": "b"}}}}, "hooks.after[0].command"},
		"no name":               {object{"hooks": object{"after": []object{{"command": "a"}}}}, "hooks.after[0].name"},
		"a script too early":    {object{"hooks": object{"before": []object{{"name": "a", "script": "b"}}}}, "hooks.before[0].script"},
		"a script outside":      {object{"hooks": object{"after": []object{{"name": "a", "script": "../b"}}}}, "hooks.after[0].script"},
		"a user":                {object{"hooks": object{"after": []object{{"name": "a", "command": "b", "user": "-x"}}}}, "hooks.after[0].user"},
		"a timeout":             {object{"hooks": object{"after": []object{{"name": "a", "command": "b", "timeout": "soon"}}}}, "hooks.after[0].timeout"},
		"a restart by nothing":  {object{"restart": object{}}, "restart.command"},
		"a restart twice":       {object{"restart": object{"command": "a", "systemd": object{"unit": "a"}}}, "restart.command"},
		"a unit":                {object{"restart": object{"systemd": object{"unit": "-a"}}}, "restart.systemd.unit"},
		"a program":             {object{"restart": object{"supervisor": object{"program": "a b"}}}, "restart.supervisor.program"},
		"a check twice":         {object{"checks": []object{{"command": "a", "tcp": "a:1"}}}, "checks[0].command"},
		"an address":            {object{"checks": []object{{"tcp": "a"}}}, "checks[0].tcp"},
		"a URL":                 {object{"checks": []object{{"http": object{"url": "ftp://a"}}}}, "checks[0].http.url"},
		"a second timeout":      {object{"checks": []object{{"http": object{"url": "http://a", "timeout": "1s"}}}}, "checks[0].http.timeout"},
		"no process":            {object{"checks": []object{{"process": object{"for": "5s"}}}}, "checks[0].process.pattern"},
		"a long command":        {object{"restart": object{"command": long}}, "restart.command"},
		"a check of nothing":    {object{"checks": []object{{}}}, "checks[0].command"},
		"no tries":              {object{"checks": []object{{"command": "true", "tries": 0}}}, "checks[0].tries"},
	} {
		wrong := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}.with(c.work)).refused(422, "invalid_request")
		require.Contains(t, wrong, c.field, name)
	}
}
