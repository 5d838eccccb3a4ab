package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
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

	f.requireFollowed(h, id, ids[0], shipped, wantedWork)
}

// requireFollowed requires that a rollback and a retry of a deployment of this package do
// the same work.
func (f *fixture) requireFollowed(h *history, id, server, shipped string, work *contract.Work) {
	f.Helper()
	d := finished(id, "2", 1)
	d.Seq, d.State, d.Package = f.begin(id), "failed", shipped
	h.know(d, contract.TargetStatus{Host: server, Name: "a", State: "failed", Changed: true})
	rollback := f.post("/v1/deployments/"+id+"/rollback", object{}).is(202).id()
	require.Equal(f, work, f.command(rollback).Body.(contract.RollbackCommand).Work)
	retry := f.post("/v1/deployments/"+id+"/retry", object{}).is(202).id()
	require.Equal(f, work, f.command(retry).Body.(contract.DeployCommand).Work)
}

// secret is what an application needs that nobody is to see.
func secret(value string) object {
	return object{
		"secrets": object{"PASSWORD": value},
		"hooks":   object{"during": []object{{"name": "migrate", "command": "bin/migrate", "secrets": object{"KEY": value + "\n"}}}},
	}
}

// requireSealed requires that the work has a secret of this value, for this application.
func (f *fixture) requireSealed(work *contract.Work, application, value string) {
	f.Helper()
	require.Len(f, work.AllSecrets(), 2)
	for i, want := range []struct{ name, value string }{{"PASSWORD", value}, {"KEY", value + "\n"}} {
		s := work.AllSecrets()[i]
		require.Equal(f, want.name, s.Name)
		clear, err := f.key.Open(contract.SecretContext(application, s.Name), seal.Sealed(s.Sealed))
		require.NoError(f, err)
		require.Equal(f, want.value, string(clear))
	}
}

func TestSecretsAreSealedAndRepeatedByWhatFollows(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	ids := f.fleet("a")
	shipped := f.shop("2")
	const value = "it's\n\"$(zwei)\" ü"
	asked := object{"application": "shop", "version": "2", "servers": ids}.with(secret(value))

	id := f.once("k", "/v1/deployments", asked).is(202).id()
	work := f.command(id).Body.(contract.DeployCommand).Work
	f.requireSealed(work, "shop", value)
	again := f.once("k", "/v1/deployments", asked)
	require.Equal(t, id, again.is(202).id())
	f.once("k", "/v1/deployments", asked.with(secret(value+"!"))).refused(422, "idempotency_mismatch")

	f.requireFollowed(h, id, ids[0], shipped, work)
}

// Else whoever reads a digest could try what gives it.
func TestADigestKnowsOfSecretsByTheirNamesAlone(t *testing.T) {
	f := start(t)
	f.withHistory()
	f.fleet("a")
	f.shop("2")
	asked := object{"application": "shop", "version": "2", "servers": []string{"a"}}
	digestOf := func(needs object) string {
		return as[plan](f.post("/v1/deployments", asked.with(needs).with(object{"dry_run": true})).is(200)).Digest
	}
	first := digestOf(secret("value"))
	require.Equal(t, first, digestOf(secret("another")))
	require.NotEqual(t, first, digestOf(secret("value").with(object{"secrets": object{"TOKEN": "value"}})))

	waits := as[struct {
		Digest string `json:"digest"`
	}](f.post("/v1/deployments", asked.with(secret("third")).with(object{"approval": object{}})).is(202))
	require.Equal(t, first, waits.Digest)
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
		"a name":                   {object{"environment": object{"1": ""}}, "environment.1"},
		"a reserved name":          {object{"environment": object{"SLIPWAY_X": ""}}, "environment.SLIPWAY_X"},
		"a NUL":                    {object{"environment": object{"A": "\x00"}}, "environment.A"},
		"no text":                  {object{"environment": object{"A": 1}}, "environment.A"},
		"a name of a secret":       {object{"secrets": object{"1": "four"}}, "secrets.1"},
		"a reserved name of one":   {object{"secrets": object{"slipway_x": "four"}}, "secrets.slipway_x"},
		"a secret with a NUL":      {object{"secrets": object{"A": "four\x00"}}, "secrets.A"},
		"a secret that is none":    {object{"secrets": object{"A": 1}}, "secrets.A"},
		"a short secret":           {object{"secrets": object{"A": " abc \n"}}, "secrets.A"},
		"a secret seen":            {object{"environment": object{"A": "four"}, "secrets": object{"A": "four"}}, "secrets.A"},
		"a short secret of a hook": {object{"hooks": object{"after": []object{{"name": "a", "command": "b", "secrets": object{"A": ""}}}}}, "hooks.after[0].secrets.A"},
		"too much with secrets":    {object{"environment": object{"A": strings.Repeat("x", 40<<10)}, "secrets": object{"B": strings.Repeat("x", 40<<10)}}, "environment"},
		"too many secrets": {object{"secrets": func() object {
			all := object{}
			for i := range 201 {
				all[fmt.Sprint("A", i)] = "four"
			}
			return all
		}()}, "secrets"},
		"too much": {object{"environment": object{"A": strings.Repeat("x", 65<<10)}}, "environment"},
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
		"a link of ours":        {object{"link": "current"}, "link"},
		"no kind":               {object{"runtime": object{"entry": object{}}}, "runtime.kind"},
		"an unknown kind":       {object{"runtime": object{"kind": "cobol"}}, "runtime.kind"},
		"options of another":    {object{"runtime": object{"kind": "java", "python": object{}}}, "runtime.python"},
		"options of an archive": {object{"runtime": object{"kind": "archive", "entry": object{}}}, "runtime.entry"},
		"a link elsewhere":      {object{"runtime": object{"kind": "java", "entry": object{"link": "a/b"}}}, "runtime.entry.link"},
		"a file elsewhere":      {object{"runtime": object{"kind": "golang", "entry": object{"file": "../b"}}}, "runtime.entry.file"},
		"no script":             {object{"runtime": object{"kind": "script"}}, "runtime.script"},
		"two scripts":           {object{"runtime": object{"kind": "script", "script": object{"path": "a", "text": "b"}}}, "runtime.script.text"},
		"work outside":          {object{"runtime": object{"kind": "script", "script": object{"text": ":", "directory": "../a"}}}, "runtime.script.directory"},
		"an empty script":       {object{"runtime": object{"kind": "script", "script": object{"text": " "}}}, "runtime.script.text"},
		"a long script":         {object{"runtime": object{"kind": "script", "script": object{"text": strings.Repeat(long, 5)}}}, "runtime.script.text"},
		"a relative uv":         {object{"runtime": object{"kind": "uv", "python": object{"uv": "uv"}}}, "runtime.python.uv"},
		"a secret in an index":  {object{"runtime": object{"kind": "uv", "python": object{"index": "https://me:secret@a/"}}}, "runtime.python.index"},
		"no place for packages": {object{"runtime": object{"kind": "auto", "python": object{"find_links": "../a"}}}, "runtime.python.find_links"},
		"two images":            {object{"runtime": object{"kind": "docker", "docker": object{"archive": "a", "pull": "b"}}}, "runtime.docker.dockerfile"},
		"a context of none":     {object{"runtime": object{"kind": "docker", "docker": object{"archive": "a", "context": "b"}}}, "runtime.docker.context"},
		"an image elsewhere":    {object{"runtime": object{"kind": "docker", "docker": object{"dockerfile": "../a"}}}, "runtime.docker.dockerfile"},
		"an option as an image": {object{"runtime": object{"kind": "docker", "docker": object{"pull": "--all"}}}, "runtime.docker.pull"},
		"no port":               {object{"runtime": object{"kind": "docker", "docker": object{"ports": []object{{"host": 1}}}}}, "runtime.docker.ports[0].container"},
		"a port too high":       {object{"runtime": object{"kind": "docker", "docker": object{"ports": []object{{"host": 65536, "container": 1}}}}}, "runtime.docker.ports[0].host"},
		"an address by name":    {object{"runtime": object{"kind": "docker", "docker": object{"ports": []object{{"address": "a", "host": 1, "container": 1}}}}}, "runtime.docker.ports[0].address"},
		"a port for two":        {object{"runtime": object{"kind": "docker", "docker": object{"replace": "start_first", "ports": []object{{"host": 1, "container": 1}}}}}, "runtime.docker.replace"},
		"a mount with options":  {object{"runtime": object{"kind": "docker", "docker": object{"mounts": []object{{"source": "/a,b", "target": "/a"}}}}}, "runtime.docker.mounts[0].source"},
		"a mount nowhere":       {object{"runtime": object{"kind": "docker", "docker": object{"mounts": []object{{"source": "/a", "target": "a"}}}}}, "runtime.docker.mounts[0].target"},
		"half a second":         {object{"runtime": object{"kind": "docker", "docker": object{"stop": "500ms"}}}, "runtime.docker.stop"},
		"another policy":        {object{"runtime": object{"kind": "docker", "docker": object{"restart": "always"}}}, "runtime.docker.restart"},
		"free options":          {object{"runtime": object{"kind": "docker", "docker": object{"options": "--privileged"}}}, "runtime.docker.options"},
		"docker of uv":          {object{"runtime": object{"kind": "uv", "docker": object{}}}, "runtime.docker"},
		"a restart of docker":   {object{"runtime": object{"kind": "docker"}, "restart": object{"command": "true"}}, "restart"},
		"docker's own variable": {object{"runtime": object{"kind": "docker"}, "environment": object{"DOCKER_HOST": "a"}}, "environment.DOCKER_HOST"},
		"an option for one":     {object{"runtime": object{"kind": "fallback", "python": object{"interpreter": "-c"}}}, "runtime.python.interpreter"},
		"no tries":              {object{"checks": []object{{"command": "true", "tries": 0}}}, "checks[0].tries"},
	} {
		wrong := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}.with(c.work)).refused(422, "invalid_request")
		require.Contains(t, wrong, c.field, name)
	}
}

func TestTheKindOfAnApplicationGoesWithItsCommand(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	for _, c := range []struct {
		runtime object
		want    *contract.Runtime
		steps   []string
	}{
		{object{"kind": "archive"}, nil, []string{"connect", "stage", "switch", "clean"}},
		{object{"kind": "java"}, &contract.Runtime{Kind: "java"}, []string{"connect", "stage", "prepare", "switch", "clean"}},
		{
			object{"kind": "golang", "entry": object{"link": "shop", "file": "bin/shop"}},
			&contract.Runtime{Kind: "golang", Entry: &contract.Entry{Link: "shop", File: "bin/shop"}},
			[]string{"connect", "stage", "prepare", "switch", "clean"},
		},
		{
			object{"kind": "script", "script": object{"text": "#!/bin/bash\n:\n", "timeout": "1m", "directory": "app"}},
			&contract.Runtime{Kind: "script", Script: &contract.Script{Text: "#!/bin/bash\n:\n", Timeout: 60_000, Directory: "app"}},
			[]string{"connect", "stage", "switch", "restart", "clean"},
		},
		{
			object{"kind": "auto", "python": object{
				"requirements": "a.txt", "interpreter": "/usr/bin/python3", "uv": "/opt/uv", "index": "https://a/simple", "find_links": "wheels", "offline": true,
			}},
			&contract.Runtime{Kind: "auto", Python: &contract.Python{
				Requirements: "a.txt", Interpreter: "/usr/bin/python3", UV: "/opt/uv", Index: "https://a/simple", FindLinks: "wheels", Offline: true,
			}},
			[]string{"connect", "stage", "prepare", "switch", "clean"},
		},
		{
			object{"kind": "docker"},
			&contract.Runtime{Kind: "docker", Docker: &contract.Docker{Replace: "start_first", Restart: "unless-stopped", Settle: 5000, Stop: 10_000}},
			[]string{"connect", "stage", "prepare", "switch", "restart", "clean"},
		},
		{
			object{"kind": "auto", "docker": object{
				"pull": "registry:5000/shop:{{version}}", "network": "front", "user": "1000:1000", "command": []string{"serve", "it's"},
				"ports":  []object{{"host": 8080, "container": 80}, {"address": "::1", "host": 53, "container": 53, "protocol": "udp"}},
				"mounts": []object{{"source": "/srv/data", "target": "/data", "read_only": true}}, "restart": "no", "settle": "1m", "stop": "3s",
			}},
			&contract.Runtime{Kind: "auto", Docker: &contract.Docker{
				Pull: "registry:5000/shop:{{version}}", Network: "front", User: "1000:1000", Command: []string{"serve", "it's"},
				Ports:   []contract.Port{{Host: 8080, Container: 80, Protocol: "tcp"}, {Address: "::1", Host: 53, Container: 53, Protocol: "udp"}},
				Mounts:  []contract.Mount{{Source: "/srv/data", Target: "/data", ReadOnly: true}},
				Replace: "stop_first", Restart: "no", Settle: 60_000, Stop: 3000,
			}},
			[]string{"connect", "stage", "prepare", "switch", "restart", "clean"},
		},
	} {
		asked := object{"application": "shop", "version": "1", "servers": ids, "runtime": c.runtime}
		require.Equal(t, "/opt/zeus", f.command(f.post("/v1/deployments", asked.with(object{"link": "/opt/zeus"})).is(202).id()).Body.(contract.DeployCommand).Work.Link)
		require.Equal(t, c.steps, as[plan](f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200)).Steps)
		work := f.command(f.post("/v1/deployments", asked).is(202).id()).Body.(contract.DeployCommand).Work
		if c.want == nil {
			require.Nil(t, work)
		} else {
			require.Equal(t, &contract.Work{Runtime: c.want}, work)
		}
	}
}

func TestWhatIsBuiltAnewCheckedAndSealedCanBeSaidWithEachDeployment(t *testing.T) {
	f := start(t)
	f.shop("1")
	f.post("/v1/projects", object{"name": "web"}).is(201)
	f.post("/v1/projects/web/templates", object{"name": "usual", "defaults": object{
		"application": "shop", "servers": f.fleet("a"), "restart": object{"command": "bin/restart"}, "environment": object{"PORT": "80"},
		"checks": []object{{"command": "true"}},
	}}).is(201)
	wanted := object{"project": "web", "template": "usual", "version": "1"}
	work := func(more object) *contract.Work {
		t.Helper()
		return f.command(f.post("/v1/deployments", wanted.with(more)).is(202).id()).Body.(contract.DeployCommand).Work
	}
	w := work(object{"runtime": object{"kind": "docker", "rebuild": true}, "skip_checks": true, "sealed_environment": object{"PORT": "81", "EMPTY": ""}})
	require.True(t, w.Runtime.Rebuild)
	require.True(t, w.Unchecked)
	require.Empty(t, w.Checks)
	require.Nil(t, w.Restart, "a container is replaced")
	require.Empty(t, w.Environment, "the nearer counts")
	require.Equal(t, []string{"EMPTY", "PORT"}, []string{w.Secrets[0].Name, w.Secrets[1].Name})
	w = work(object{"runtime": object{"kind": "auto", "docker": object{}}})
	require.NotNil(t, w.Restart)
	require.Len(t, w.Checks, 1)
	require.False(t, w.Unchecked || w.Runtime.Rebuild)

	for field, wrong := range map[string]object{
		"runtime.rebuild":         {"runtime": object{"kind": "java", "rebuild": true}},
		"sealed_environment.A":    {"sealed_environment": object{"A": "1"}, "secrets": object{"A": "12345"}},
		"secrets.A":               {"sealed_environment": object{"A": "1"}, "environment": object{"A": "2"}},
		"sealed_environment.A-B":  {"sealed_environment": object{"A-B": "1"}},
		"sealed_environment.NULL": {"sealed_environment": object{"NULL": nil}},
	} {
		require.Contains(t, f.post("/v1/deployments", wanted.with(wrong)).refused(422, "invalid_request"), field)
	}
	for name, value := range map[string]any{"skip_checks": true, "sealed_environment": object{"A": "1"}} {
		errs := f.post("/v1/projects", object{"name": "p", "defaults": object{name: value}}).refused(422, "invalid_request")
		require.Contains(t, errs["defaults."+name], "with each deployment")
	}
}
