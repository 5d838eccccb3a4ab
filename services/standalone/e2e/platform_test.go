package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// These tests send what 000_fb8f2d815144abe7.txt shows to real hosts. On them lies the repository of the script.

// documented is the script that the document shows, to the letter.
const documented = `#!/bin/bash
export DEPLOY_ID=${DEPLOYMENT_ID}
export GIT_REPO=${repository}
export GIT_BRANCH=${branch}
export DEPLOY_PATH=${path}
export BUILD_TIME=$(date +%Y%m%d-%H%M%S)

echo "开始部署 $name 到 $DEPLOY_PATH"
cd $DEPLOY_PATH
git clone -b $GIT_BRANCH $GIT_REPO .
source /opt/env/production.sh
chmod +x deploy.sh
./deploy.sh
`

const (
	repositoryOnHost = "/srv/git/shop"
	shopPath         = "/opt/apps/shop"
)

// prepareRepository makes the repository on a host, with the branches main and next, and
// what else the script of the document needs.
const prepareRepository = `set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@d
mkdir -p ` + repositoryOnHost + ` /opt/env
cd ` + repositoryOnHost + `
git init --quiet --initial-branch=main
printf '#!/bin/sh\necho "$(cat content) as $DEPLOY_ID in $TARGET" | tee -a /srv/deployed\n' >deploy.sh
echo first >content
git add --all && git commit --quiet -m first
git checkout --quiet -b next
echo second >content
git commit --quiet -a -m second
git checkout --quiet main
echo 'export TARGET=production' >/opt/env/production.sh
`

type platformServer struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Host string `json:"host"`
	Port int    `json:"port"`
}

type platformExecution struct {
	ID        int        `json:"id"`
	TaskID    int        `json:"task_id"`
	ServerID  int        `json:"server_id"`
	Status    int        `json:"status"`
	Output    string     `json:"output"`
	Error     string     `json:"error"`
	StartTime *time.Time `json:"start_time"`
	EndTime   *time.Time `json:"end_time"`
	Duration  int        `json:"duration"`
}

type platformLog struct {
	Level     string    `json:"level"`
	Message   string    `json:"message"`
	Timestamp time.Time `json:"timestamp"`
	ServerID  int       `json:"server_id"`
}

type platformDeployment struct {
	ID         int                 `json:"id"`
	Name       string              `json:"name"`
	ServerID   int                 `json:"server_id"`
	Repository string              `json:"repository"`
	Branch     string              `json:"branch"`
	Path       string              `json:"path"`
	Status     int                 `json:"status"`
	Creator    string              `json:"creator"`
	CreatedAt  time.Time           `json:"created_at"`
	StartTime  *time.Time          `json:"start_time"`
	EndTime    *time.Time          `json:"end_time"`
	Reason     string              `json:"reason"`
	Server     platformServer      `json:"server"`
	Servers    []platformServer    `json:"servers"`
	Executions []platformExecution `json:"executions"`
	Logs       []platformLog       `json:"logs"`
}

type platformPage[T any] struct {
	Items []T `json:"items"`
	Total int `json:"total"`
	Page  int `json:"page"`
	Size  int `json:"page_size"`
}

type platformRefusal struct {
	Error  string            `json:"error"`
	Code   string            `json:"code"`
	Fields map[string]string `json:"fields"`
}

// devops is a Slipway that a client of the dialect platform talks to, and its hosts.
type devops struct {
	*standalone
	hosts   []*hosttest.Host
	servers map[string]platformServer // by name
}

func openDevops(t *testing.T, hosts int) *devops {
	t.Helper()
	d := &devops{standalone: startStandalone(t, lasting), hosts: hosttest.Start(t, hosts, hosttest.WithRoot()), servers: map[string]platformServer{}}
	for _, h := range d.hosts {
		d.add(t, specOf(h))
		d.on(t, h, prepareRepository)
	}
	page := sent[platformPage[platformServer]](t, d, "GET", "/api/servers", nil, http.StatusOK)
	require.Equal(t, hosts, page.Total)
	for _, s := range page.Items {
		d.servers[s.Name] = s
	}
	return d
}

// on runs a command on a host.
func (d *devops) on(t *testing.T, h *hosttest.Host, command string) string {
	t.Helper()
	out, err := sshOutput(t, h, command)
	require.NoError(t, err, "%s", out)
	return out
}

// server is the number of a host.
func (d *devops) server(h *hosttest.Host) int { return d.servers[h.Name].ID }

// sent sends a request of the dialect and reads the answer.
func sent[T any](t *testing.T, d *devops, method, path string, body any, status int) T {
	t.Helper()
	a := d.answered(t, request{method: method, path: "/compat/platform" + path, body: body})
	require.Equal(t, status, a.status, "%s", a)
	var v T
	require.NoError(t, json.Unmarshal(a.body, &v), "%s", a)
	return v
}

// request is the request of the document.
func (d *devops) request(change map[string]any) map[string]any {
	body := map[string]any{
		"name": "web 服务", "server_id": d.server(d.hosts[0]), "repository": repositoryOnHost, "path": shopPath, "script": documented,
	}
	for name, value := range change {
		body[name] = value
	}
	return body
}

func (d *devops) create(t *testing.T, change map[string]any) platformDeployment {
	t.Helper()
	return sent[platformDeployment](t, d, "POST", "/api/deployments", d.request(change), http.StatusCreated)
}

func (d *devops) show(t *testing.T, id int) platformDeployment {
	t.Helper()
	return sent[platformDeployment](t, d, "GET", "/api/deployments/"+strconv.Itoa(id), nil, http.StatusOK)
}

// ended polls a deployment until it has ended so.
func (d *devops) ended(t *testing.T, id, status int) platformDeployment {
	t.Helper()
	var found platformDeployment
	eventually(t, func() bool {
		found = d.show(t, id)
		return found.Status > 1
	}, "deployment %d ends", id)
	require.Equal(t, status, found.Status, "%+v", found)
	return found
}

// native is the native deployment of a version.
func (d *devops) native(t *testing.T, version int) deployment {
	t.Helper()
	for _, one := range all[deployment](t, d.client, "/v1/deployments", url.Values{"project": {"platform"}}) {
		if one.Version == strconv.Itoa(version) && one.Kind == "deploy" {
			return one
		}
	}
	require.Fail(t, "there is no such deployment", version)
	return deployment{}
}

func TestPlatformDeploysAsItsDocumentShows(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 1)
	h := d.hosts[0]
	began := time.Now().Add(-time.Minute)

	created := d.create(t, nil)
	require.Equal(t, platformDeployment{
		ID: 1, Name: "web 服务", ServerID: d.server(h), Repository: repositoryOnHost, Branch: "main", Path: shopPath, Status: 0,
		Creator: created.Creator, CreatedAt: created.CreatedAt,
	}, created)
	require.NotEmpty(t, created.Creator)
	require.WithinRange(t, created.CreatedAt, began, time.Now().Add(time.Minute))

	first := d.ended(t, created.ID, 2)
	require.Equal(t, platformServer{ID: d.server(h), Name: h.Name, Host: h.Addr, Port: h.Port}, first.Server)
	require.Equal(t, []platformServer{first.Server}, first.Servers)
	require.Len(t, first.Executions, 1)
	e := first.Executions[0]
	require.NotNil(t, e.StartTime)
	require.NotNil(t, e.EndTime)
	require.GreaterOrEqual(t, e.Duration, 1)
	require.Equal(t, platformExecution{
		ID: 10000, TaskID: 1, ServerID: d.server(h), Status: 2, StartTime: e.StartTime, EndTime: e.EndTime, Duration: e.Duration, Output: e.Output,
	}, e)
	require.Contains(t, e.Output, "开始部署 web 服务 到 "+shopPath+"\n")
	require.Contains(t, e.Output, "first as 1 in production\n")
	var messages []string
	for _, l := range first.Logs {
		require.Contains(t, []string{"info", "warn", "error"}, l.Level)
		require.False(t, l.Timestamp.IsZero())
		require.Equal(t, d.server(h), l.ServerID)
		messages = append(messages, l.Message)
	}
	require.Contains(t, messages, "first as 1 in production")
	require.Equal(t, "first\n", read(t, h, shopPath+"/content"), "path leads to what was cloned")

	// Numbers as texts, a slash at the end, another branch: into a directory that is empty again.
	second := sent[platformDeployment](t, d, "POST", "/api/deployments/", d.request(map[string]any{
		"server_id": strconv.Itoa(d.server(h)), "branch": "next", "name": "web 2",
	}), http.StatusCreated)
	require.Equal(t, "next", second.Branch)
	d.ended(t, second.ID, 2)
	require.Equal(t, "second\n", read(t, h, shopPath+"/content"))
	require.Equal(t, "first as 1 in production\nsecond as 2 in production\n", read(t, h, "/srv/deployed"))

	// What was there before is gone back to, by what Slipway itself has for that.
	back := must[deployment](t, d.client, request{method: "POST", path: "/v1/deployments/" + d.native(t, second.ID).ID + "/rollback"}, http.StatusAccepted)
	d.succeed(t, back.ID)
	require.Equal(t, "first\n", read(t, h, shopPath+"/content"))

	// Numbers stay, whoever asks for them.
	require.Equal(t, first, d.show(t, first.ID))
	require.Zero(t, d.process.terminate())
	d.process.start()
	d.process.awaitLog(`Slipway listens on (http://\S+)`)
	require.Equal(t, first.Executions, sent[platformDeployment](t, d, "GET", "/api/deployments/1/", nil, http.StatusOK).Executions)
	require.Equal(t, first.Server, sent[platformServer](t, d, "GET", "/api/servers/"+strconv.Itoa(d.server(h)), nil, http.StatusOK))
	page := sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments", nil, http.StatusOK)
	require.Equal(t, []string{"web 2", "web 服务"}, namesOf(page.Items))
}

func namesOf(all []platformDeployment) []string {
	names := []string{}
	for _, d := range all {
		names = append(names, d.Name)
	}
	return names
}

func TestPlatformPassesHostileValuesAsData(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 1)
	h := d.hosts[0]
	hostile := map[string]any{
		"name":       "a 'b' \"c\" `touch /srv/hit` $(touch /srv/hit) \\ ; touch /srv/hit\nzwei && 三 😀",
		"repository": "ssh://x/$(touch /srv/hit)'; touch /srv/hit #\"",
		"branch":     "-x$(touch /srv/hit)\n--upload-pack=touch /srv/hit",
		"path":       "/opt/app s/`touch hit`;$(touch hit) '三'",
		"script":     "#!/bin/bash\nprintf '%s\\0' \"$DEPLOYMENT_ID\" \"$name\" \"$repository\" \"$branch\" \"$path\" \"$DEPLOY_ID\" \"$GIT_REPO\" \"$GIT_BRANCH\" \"$DEPLOY_PATH\" >/srv/told\n[[ $BUILD_TIME =~ ^[0-9]{8}-[0-9]{6}$ ]] && cd \"$path\" && [ -z \"$(ls -A)\" ]\n",
	}
	created := d.create(t, hostile)
	d.ended(t, created.ID, 2)
	id := strconv.Itoa(created.ID)
	name, repository, branch, path := hostile["name"].(string), hostile["repository"].(string), hostile["branch"].(string), hostile["path"].(string)
	want := []string{id, name, repository, branch, path, id, repository, branch, path, ""}
	require.Equal(t, want, strings.Split(read(t, h, "/srv/told"), "\x00"))
	d.on(t, h, "test ! -e /srv/hit && test ! -e hit")
	require.Equal(t, []any{name, repository, branch, path}, []any{created.Name, created.Repository, created.Branch, created.Path})
}

func TestPlatformShowsNobodyTheCredentialOfARepository(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 1)
	const password = "canary-of-the-repository"
	for given, shown := range map[string]string{
		"https://ci:" + password + "@git.example.com/shop.git?a=b@c": "https://***@git.example.com/shop.git?a=b@c",
		"HTTPS://" + password + "@git.example.com":                   "HTTPS://***@git.example.com",
		"ssh://git:p@" + password + "@git.example.com:22/shop":       "ssh://***@git.example.com:22/shop",
	} {
		created := d.create(t, map[string]any{
			"repository": given, "script": "#!/bin/bash\nset -x\necho \"$repository\" \"$GIT_REPO\" | tee /srv/told\n",
		})
		require.Equal(t, shown, created.Repository)
		require.Equal(t, shown, d.ended(t, created.ID, 2).Repository)
		d.on(t, d.hosts[0], "[ \"$(cat /srv/told)\" = '"+given+" "+given+"' ]")
	}
	for _, plain := range []string{"ssh://git@git.example.com/shop", "git@git.example.com:shop.git", "https://git.example.com/@scope/shop"} {
		created := d.create(t, map[string]any{"repository": plain, "script": "true"})
		require.Equal(t, plain, d.ended(t, created.ID, 2).Repository)
	}
	requireNoSecrets(t, d.standalone, nil, secrets{"the password of the repository": password})
}
