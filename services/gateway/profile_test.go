package gateway_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/gateway/internal/profile"
)

func TestAProfileSaysWhatARequestLeavesOut(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	asked := object{"application": "shop", "version": "1", "servers": ids}
	ordered := func(more object) contract.DeployCommand {
		t.Helper()
		return f.command(f.post("/v1/deployments", asked.with(more)).is(202).id()).Body.(contract.DeployCommand)
	}
	linked := &contract.Linked{Directories: []string{"logs"}}

	plain := ordered(object{"profile": "php"})
	require.Equal(t, "/var/www/shop", plain.Application.Path)
	require.Nil(t, plain.Work)
	binary := ordered(object{"profile": "golang", "directory": "profile"})
	require.Equal(t, "/opt/profile", binary.Application.Path)
	require.Equal(t, &contract.Work{Linked: linked, Runtime: &contract.Runtime{Kind: "golang", Entry: &contract.Entry{Link: "shop"}}}, binary.Work)
	jar := ordered(object{"profile": "java", "restart": true})
	require.Equal(t, &contract.Supervisor{Program: "shop", Socket: "/run/supervisor.sock"}, jar.Work.Restart.Supervisor, "a restart is by choice")
	require.Equal(t, "shop.jar", jar.Work.Runtime.Entry.Link)

	own := ordered(object{
		"profile": "python", "path": "srv/own", "runtime": object{"kind": "uv"}, "restart": object{"command": "true"}, "linked": object{},
	})
	require.Equal(t, "srv/own", own.Application.Path)
	require.Equal(t, &contract.Work{Runtime: &contract.Runtime{Kind: "uv"}, Restart: &contract.Restart{Command: "true"}}, own.Work)
}

func TestAProfileThatIsNoneIsNamed(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	for field, more := range map[string]object{
		"profile": {"profile": "cobol"}, "directory": {"directory": "a"}, "restart": {"profile": "php", "restart": true},
	} {
		require.Contains(t, f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}.with(more)).refused(422, "invalid_request"), field)
	}
	require.Contains(t, f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids, "restart": true}).refused(422, "invalid_request"), "restart")
	require.Contains(t, f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids, "profile": "golang", "directory": "../a"}).refused(422, "invalid_request"), "directory")
	require.Contains(t, f.get("/v1/releases?application=shop&profile=cobol").refused(422, "invalid_request"), "profile")
	require.Contains(t, f.get("/v1/logs?application=shop&file=a&directory=b").refused(422, "invalid_request"), "directory")
}

func TestOperatorsHaveProfilesOfTheirOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "profiles.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
php: {path: "/data/{{directory}}", keep: 2, restart: {command: "service php reload {{application}}"}}
rust: {path: "/opt/{{directory}}", runtime: {kind: golang}}
`), 0o600))
	f := start(t, func(c *gateway.Config) { c.Deployments.Profiles = file })
	ids := f.fleet("a")
	f.shop("1")
	for name, want := range map[string]contract.Application{
		"php": {Name: "shop", Path: "/data/shop", Keep: 2}, "rust": {Name: "shop", Path: "/opt/shop", Keep: 5}, "static": {Name: "shop", Path: "/var/www/shop", Keep: 5},
	} {
		id := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids, "profile": name}).is(202).id()
		require.Equal(t, want, f.command(id).Body.(contract.DeployCommand).Application)
	}
}

func TestASecretIsNearerThanAVariableOfAProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "profiles.yaml")
	require.NoError(t, os.WriteFile(file, []byte("php: {environment: {OF_STAGE: plain, OF_PROJECT: plain, ASKED: plain, OWN: plain}}"), 0o600))
	f := start(t, func(c *gateway.Config) { c.Deployments.Profiles = file })
	ids := f.fleet("a")
	f.shop("1")
	f.post("/v1/projects", object{"name": "shop", "secrets": object{"OF_PROJECT": "secret"}}).is(201)
	f.post("/v1/projects/shop/stages", object{"name": "production", "secrets": object{"OF_STAGE": "secret"}}).is(201)
	id := f.post("/v1/deployments", object{
		"application": "shop", "version": "1", "servers": ids, "project": "shop", "stage": "production", "profile": "php", "secrets": object{"ASKED": "secret"},
	}).is(202).id()
	w := f.command(id).Body.(contract.DeployCommand).Work
	require.Equal(t, []contract.Variable{{Name: "OWN", Value: "plain"}}, w.Environment)
	var names []string
	for _, s := range w.Secrets {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"ASKED", "OF_PROJECT", "OF_STAGE"}, names)
}

func TestAProfileThatNoRequestCouldBeFailsTheStart(t *testing.T) {
	for content, said := range map[string]string{
		"- php":                            "not a mapping of names to profiles",
		"{":                                "not YAML",
		"PHP: {path: /a}":                  `"PHP" is no name`,
		"php: {strategy: {}}":              "php.strategy: a profile has path,",
		"php: {path: ../a}":                "php.path: must not contain '..'",
		"php: {runtime: {kind: x}}":        "php.runtime.kind: must be one of [archive java",
		"php: {restart: {supervisor: {}}}": "php.restart.supervisor.program: is required",
		"php: {logs: ../a}":                "php.logs: must not contain '..'",
		"php: {hooks: {after: [{name: a, command: b, secrets: {KEY: quiet-please}}]}}": "php.secrets: must not stand in a profile",
		"a: {keep: 0}\nb: {environment: {'1': x}}":                                     "b.environment.1: must be 1 to 128 letters",
	} {
		file := filepath.Join(t.TempDir(), "profiles.yaml")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		f := prepare(t, func(c *gateway.Config) { c.Deployments.Profiles = file })
		_, err := gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
		require.ErrorIs(t, err, profile.ErrUnfit, content)
		require.ErrorContains(t, err, said, content)
	}
	f := prepare(t, func(c *gateway.Config) { c.Deployments.Profiles = "/no/such/file" })
	_, err := gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTheExamplesOfTheDocumentationAreGoodRequests(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var needs object
		require.NoError(t, yaml.Unmarshal(content, &needs), file)
		f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids, "dry_run": true}.with(needs)).is(200)
	}
}
