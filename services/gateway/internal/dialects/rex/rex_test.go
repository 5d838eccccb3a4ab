package rex

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const rows = `app_key,local_name,is_deploy_dir,configure_file_status,configure_file_list,pro_dir,config_dir,server_name,network_ip
server1,server,1,0,,/data/www/server,/data/www/server/conf,web-1,10.0.0.1
server2,server,1,0,,/data/www/server/,/data/www/server/conf,web-2,10.0.0.2
app,app,1,1,"common/config.js,classes/system.properties",/data/www/app,/data/www/app/WEB-INF,web-3,10.0.0.3
`

// tree makes files below a directory.
func tree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, []byte(content), 0o600))
	}
}

// content is what a directory holds.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		found[name] = string(text)
		return err
	}))
	return found
}

// setUp makes the directories of the original, and what was downloaded to them.
func setUp(t *testing.T) Config {
	t.Helper()
	base := t.TempDir()
	c := Config{
		Inventory: filepath.Join(base, "inventory.csv"), Soft: filepath.Join(base, "softdir"), Configure: filepath.Join(base, "configuredir"),
		RemoteCom: filepath.Join(base, "remotecomdir"), Update: filepath.Join(base, "updatedir"), Installation: "/data/RexdeployV3",
	}
	tree(t, base, map[string]string{"inventory.csv": rows})
	tree(t, c.RemoteCom, map[string]string{
		"softdir/server1/bin/run": "server1", "softdir/server2/bin/run": "server2",
		"configuredir/server1/a.conf": "1", "configuredir/server2/a.conf": "2",
		"softdir/app/index.html": "app", "softdir/app/common/config.js": "js", "softdir/app/WEB-INF/classes/system.properties": "props",
	})
	require.Empty(t, c.Validate())
	return c
}

// post sends a request of the document and returns the answer as a client reads it.
func post(t *testing.T, c Config, media, body string) map[string]any {
	t.Helper()
	said, err := dialects.Read(url.Values{"token": {"1527669337mxchcptwhwevbwgyiahtilfadcycyfxm"}}, media, []byte(body))
	require.NoError(t, err)
	reply, err := Dialect(c).Routes[0].Handle(t.Context(), &dialects.Request{Said: said})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, reply.Status)
	kept, err := json.Marshal(reply.Kept)
	require.NoError(t, err)
	require.NotContains(t, string(kept), "1527669337", "what is stored does not have the token")
	text, err := json.Marshal(reply.Body)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(text, &got))
	require.Regexp(t, `^\d+$`, got["take"])
	return got
}

const form = "application/x-www-form-urlencoded"

func TestSyncproAnswersAsTheDocumentOfRexShows(t *testing.T) {
	c := setUp(t)
	got := post(t, c, form, "action=Deploy:Core:syncpro&k=server1,server2")
	var want map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{
     "code" : "0",
     "data" : {"code" : "0", "data" : {"0" : "1", "1" : "", "2" : ""}, "msg" : "成功"},
     "param" : {"action" : "Deploy:Core:syncpro", "k" : "server1 server2", "token" : "1527669337mxchcptwhwevbwgyiahtilfadcycyfxm"},
     "parseparameters" : {
          "code" : "0", "msg" : "校验和解析参数成功", "precmd" : "",
          "requestCmd" : "Deploy:Core:syncpro,--k=\"server1 server2\",--token=\"1527669337mxchcptwhwevbwgyiahtilfadcycyfxm\",--w=\"1\""
     },
     "print_stdout" : "0",
     "respon" : {
          "chdir" : "/data/RexdeployV3",
          "cmd" : "/usr/bin/rex  -qF  Deploy:Core:syncpro --k=\"server1 server2\" --token=\"1527669337mxchcptwhwevbwgyiahtilfadcycyfxm\" --w=\"1\"",
          "code" : "1", "msg" : "执行完成", "ret" : "0", "stderr" : "", "stdout" : ""
     }}`), &want))
	delete(got, "take")
	require.Equal(t, want, got)
	require.Equal(t, map[string]string{"bin/run": "server2"}, content(t, filepath.Join(c.Soft, "server")), "a group has one program: the last one")
	require.Equal(t, map[string]string{"server1/a.conf": "1", "server2/a.conf": "2"}, content(t, filepath.Join(c.Configure, "server")))
}

func TestSyncproReplacesWhatIsThereAndTakesUpdates(t *testing.T) {
	c := setUp(t)
	tree(t, c.Soft, map[string]string{"server/old": "x"})
	tree(t, c.Configure, map[string]string{"server/server1/old": "x", "server/other/stays": "x"})
	for _, body := range []string{"action=Deploy:Core:syncpro&k='server'", "action=Deploy:Core:syncpro&k=server&update=0"} {
		got := post(t, c, form, body)
		require.Equal(t, "0", got["code"])
		require.Equal(t, map[string]string{"bin/run": "server2"}, content(t, filepath.Join(c.Soft, "server")))
	}
	require.Equal(t, map[string]string{"server1/a.conf": "1", "server2/a.conf": "2", "other/stays": "x"}, content(t, filepath.Join(c.Configure, "server")))

	tree(t, c.Update, map[string]string{
		"softdir/server/bin/run": "update", "configuredir/server/server1/a.conf": "u1", "configuredir/server/server2/a.conf": "u2",
	})
	got := post(t, c, "application/json", `{"action": "Deploy:Core:syncpro", "k": "'server'", "update": 1}`)
	require.Equal(t, "1", got["data"].(map[string]any)["data"].(map[string]any)["0"])
	require.Equal(t, map[string]string{"bin/run": "update"}, content(t, filepath.Join(c.Soft, "server")))
	require.Equal(t, "u1", content(t, filepath.Join(c.Configure, "server"))["server1/a.conf"])
	for said, want := range map[string]string{"true": "1", "1.0": "1", `"True"`: "1", "false": "0", "0.0": "0"} {
		got = post(t, c, "application/json", `{"action": "Deploy:Core:syncpro", "k": "server", "update": `+said+`}`)
		require.Equal(t, "0", got["code"], said)
		require.Equal(t, want, got["param"].(map[string]any)["update"], said)
		require.Equal(t, map[string]string{"1": "update", "0": "server2"}[want], content(t, filepath.Join(c.Soft, "server"))["bin/run"], said)
	}
	got = post(t, c, form, `action=Deploy:Core:syncpro&k=["server1","server2"]`)
	require.Equal(t, "server1 server2", got["param"].(map[string]any)["k"])
	left, err := filepath.Glob(filepath.Join(c.Soft, ".slipway-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSyncproSplitsTheFilesThatAreConfiguration(t *testing.T) {
	c := setUp(t)
	got := post(t, c, form, "action=Deploy:Core:syncpro&k=app")
	require.Equal(t, "0", got["code"])
	require.Equal(t, map[string]any{"0": "1", "1": "", "2": ""}, got["data"].(map[string]any)["data"])
	require.Equal(t, map[string]string{"common/config.js": "js", "classes/system.properties": "props"}, content(t, filepath.Join(c.Configure, "app/app")))

	// A file that a link leads out to is not the program's.
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("x"), 0o600))
	js := filepath.Join(c.RemoteCom, "softdir/app/common/config.js")
	require.NoError(t, os.Remove(js))
	require.NoError(t, os.Symlink(outside, js))
	got = post(t, c, form, "action=Deploy:Core:syncpro&k=app")
	require.Equal(t, map[string]any{"0": "0", "1": "", "2": js}, got["data"].(map[string]any)["data"])
	require.Equal(t, map[string]string{"classes/system.properties": "props"}, content(t, filepath.Join(c.Configure, "app/app")))
}

func TestSyncproListsWhatIsMissingAndBringsTheRest(t *testing.T) {
	c := setUp(t)
	require.NoError(t, os.RemoveAll(filepath.Join(c.RemoteCom, "softdir/server2")))
	require.NoError(t, os.RemoveAll(filepath.Join(c.RemoteCom, "configuredir")))
	got := post(t, c, form, "action=Deploy:Core:syncpro&k=server1 server2")
	below := func(name string) string { return filepath.Join(c.RemoteCom, name) }
	require.Equal(t, map[string]any{
		"0": "0", "1": below("softdir/server2"), "2": below("configuredir/server1") + "," + below("configuredir/server2"),
	}, got["data"].(map[string]any)["data"])
	require.Equal(t, "server1", content(t, filepath.Join(c.Soft, "server"))["bin/run"])
}

func TestEveryErrorOfRexComesInTheEnvelope(t *testing.T) {
	c := setUp(t)
	prefix := "校验和解析参数失败: "
	for body, why := range map[string]string{
		"":                               prefix + "post参数为空",
		"k=server":                       prefix + "action参数不能为空",
		"action=&k=server":               prefix + "action参数不能为空",
		"action=Deploy:Db:x&k=server":    prefix + "不支持的action参数: Deploy:Db:x",
		"action=Deploy:Core:syncpro":     prefix + "当执行 Deploy:Core:syncpro 模块时,post参数为空,必须传参: k",
		"action=Deploy:Core:deploy&k=''": prefix + "当执行 Deploy:Core:deploy 模块时,post参数为空,必须传参: k",
		"action=Deploy:Core:syncpro&k=server&update=2":  prefix + "update参数只能是0或1",
		"action=Deploy:Core:syncpro&k=nobody,../server": "名字不存在: nobody,../server",
	} {
		got := post(t, c, form, body)
		require.Equal(t, "-1", got["code"], body)
		require.Equal(t, why, got["msg"])
		for _, part := range []string{"data", "param", "parseparameters", "print_stdout", "respon", "take"} {
			require.Contains(t, got, part)
		}
		require.Equal(t, map[string]any{"0": "0", "1": "", "2": ""}, got["data"].(map[string]any)["data"])
	}
	off := post(t, Config{}, form, "action=Deploy:Core:syncpro&k=server")
	require.Equal(t, "-1", off["code"])
	require.Contains(t, off["msg"], "not set up")
}

func TestADirectoryIsReplacedAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "program")
	tree(t, dir, map[string]string{"a": "0", "b": "0"})
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := os.Stat(dir); err != nil {
				t.Errorf("it is not there: %v", err)
				return
			}
		}
	})
	for range 200 {
		require.NoError(t, replace(dir, func(stage string) error {
			tree(t, stage, map[string]string{"a": "1", "b": "1"})
			return nil
		}))
	}
	close(stop)
	watching.Wait()
}

func TestADirectoryStaysWhereWhatReplacesItCannotBeMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "program")
	tree(t, dir, map[string]string{"a": "0"})
	require.ErrorIs(t, replace(dir, func(string) error { return fs.ErrPermission }), fs.ErrPermission)
	require.Equal(t, map[string]string{"a": "0"}, content(t, dir))
	require.NoError(t, os.Symlink("/etc", filepath.Join(filepath.Dir(dir), "link")))
	from := t.TempDir()
	tree(t, from, map[string]string{"link/x": "x"})
	require.Error(t, copyTree(from, filepath.Dir(dir), "."), "nothing is written through a link that leads out")
}

func TestTheInventoryIsReadAsItWasExported(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "inventory")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	dump := "CREATE TABLE `pre_server_detail` (\n  `id` int(11),\n  `app_key` text,\n  `local_name` text\n);\nINSERT INTO `pre_server_detail` VALUES (1,'cm1','cm');\n"
	for _, good := range []string{dump, "app_key,local_name\ncm1,cm\n"} {
		got, err := readInventory(write(good))
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, "cm1", got[0].Key)
	}
	nameless := strings.Replace(dump, "VALUES (1", "VALUES (2,NULL,'cm'),(3,NULL,NULL),(1", 1)
	for _, good := range []string{nameless, "app_key,local_name\n,cm\ncm1,cm\nNULL,cm\n"} {
		c := Config{Inventory: write(good), Soft: "/s", Configure: "/c", RemoteCom: "/r", Update: "/u"}
		require.Empty(t, c.Validate(), "a row without app_key is no program, and keeps no other from being one")
		all, err := readInventory(c.Inventory)
		require.NoError(t, err)
		found, unknown := chosen(all, []string{"cm"})
		require.Empty(t, unknown)
		require.Len(t, found, 1)
		require.Equal(t, "cm1", found[0].Key)
	}
	for _, bad := range []string{"", "app_key,local_name\n../x,y\n", "app_key,local_name\nx,y\nX,z\n", dump[:len(dump)-3], "\xff"} {
		_, err := readInventory(write(bad))
		require.ErrorIs(t, err, ErrInventory, bad)
	}
	require.NotEmpty(t, Config{Inventory: "/nowhere", Soft: "x"}.Validate())
	require.Empty(t, Config{}.Validate())
}

func TestADirectoryThatIsALinkIsBroughtWithWhatItHolds(t *testing.T) {
	c := setUp(t)
	for _, dir := range []string{"softdir/server1", "configuredir/server1"} {
		at := filepath.Join(c.RemoteCom, dir)
		require.NoError(t, os.Rename(at, at+"-2"))
		require.NoError(t, os.Symlink(filepath.Base(at)+"-2", at))
	}
	got := post(t, c, form, "action=Deploy:Core:syncpro&k=server1")
	require.Equal(t, "0", got["code"])
	require.Equal(t, map[string]string{"bin/run": "server1"}, content(t, filepath.Join(c.Soft, "server")))
	require.Equal(t, "1", content(t, filepath.Join(c.Configure, "server"))["server1/a.conf"])
	require.Error(t, copyTree(filepath.Join(c.Soft, "server/bin/run"), t.TempDir(), "."), "it is no directory")
}

func TestADirectoryThatIsReplacedWhileItIsReadIsNotCopied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "program")
	tree(t, dir, map[string]string{"a": "0"})
	in, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer in.Close()
	require.NoError(t, unchanged(in))
	require.NoError(t, replace(dir, func(string) error { return nil }))
	require.ErrorIs(t, unchanged(in), ErrChanged)
	why, err := told(unchanged(in))
	require.NoError(t, err, "it is for that row alone")
	require.Contains(t, why, ErrChanged.Error())
}
