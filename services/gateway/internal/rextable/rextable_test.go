package rextable_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
)

func programs(text string) ([]rextable.Program, []table.Bad) {
	rows, bad := rextable.Read(text, "app_key", "local_name")
	all, wrong := rextable.Programs(rows)
	return all, append(bad, wrong...)
}

func TestProgramsAreReadAsTheyWereExported(t *testing.T) {
	got, bad := programs("CREATE TABLE `pre_server_detail` (\n  `id` int(11) NOT NULL,\n  `server_name` varchar(128) DEFAULT NULL COMMENT 'x; (y)',\n" +
		"  `network_ip` varchar(15),\n  `local_name` varchar(200),\n  `app_key` varchar(200),\n  `is_deloy_dir` varchar(64),\n  `pro_dir` varchar(9),\n" +
		"  `config_dir` text,\n  `pro_init` text,\n  `env` varchar(9),\n  `configure_file_list` text,\n  `configure_file_status` int(11),\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n" +
		"INSERT INTO `pre_server_detail` VALUES ('1', 'it\\'s; (a)', '10.0.0.1', 'cm', 'CM1', '2', '/data/www/cm ', '/data/conf/', '/etc/init.d/tomcat ', 'test', null, '0'), " +
		"(2,'b''c','10.0.0.2','app','app1','1','/a','/a/b','/usr/bin/startup.sh',NULL,'x/y.js,z',1);\n" +
		"INSERT INTO `pre_server_detail` (`id`,`app_key`, local_name) VALUES (3,'n','n');INSERT INTO other VALUES (1);\n" +
		"INSERT INTO `pre_server_detail` (`id`,`network_ip`) VALUES (4,'10.0.0.4');\n" +
		"INSERT INTO `pre_server_detail` (`id`,`network_ip`,`local_name`,`app_key`) VALUES (5,'10.0.0.5','app',NULL),(6,'10.0.0.6','/no/group','');")
	require.Empty(t, bad)
	require.Equal(t, []rextable.Program{
		{Line: 16, Key: "CM1", Name: "cm", Apart: true, Dir: "/data/www/cm", ConfigDir: "/data/conf", Restart: "/etc/init.d/tomcat restart", Server: "it's; (a)", Address: "10.0.0.1", Env: "test"},
		{Line: 16, Key: "app1", Name: "app", Split: []string{"x/y.js", "z"}, Dir: "/a", ConfigDir: "/a/b", Script: "/usr/bin/startup.sh", Server: "b'c", Address: "10.0.0.2"},
		{Line: 17, Key: "n", Name: "n"},
	}, got)
	require.Equal(t, []rextable.Part{
		{Application: "cm1-conf", Link: "/data/conf"}, {Application: "cm1", Link: "/data/www/cm", Restart: "/etc/init.d/tomcat restart"},
	}, got[0].Parts())
	require.Equal(t, "/data/www/.cm.slipway", got[0].Parts()[1].Base())
}

func TestWhatIsWrongWithProgramsIsNamedByLineAndColumn(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "line 1: there is no line that names the columns",
		"local_name,x\n1,2\n":            "line 1: app_key: is not among the columns",
		"app_key,local_name\n../x,y\n":   `line 2: app_key: "../x" is no name of a directory`,
		"app_key,local_name\na,b\nx,\n":  `line 3: local_name: "" is no name of a directory`,
		"app_key,local_name\nx,y\nx,z\n": `line 3: app_key: "x" releases the application x, as line 2 does`,
		"app_key,local_name\nApp,y\nother,y\napp,z\n":     `line 4: app_key: "app" releases the application app, as line 2 does`,
		"app_key,local_name\nx\n":                         "line 2: wrong number of fields",
		"INSERT INTO x VALUES (1);":                       "line 1: the dump has no rows of pre_server_detail",
		"INSERT INTO pre_server_detail (id) VALUES (1);":  "line 1: app_key: is not among the columns",
		"INSERT INTO pre_server_detail (id) VALUES (1),(": "line 1: the dump is cut off in this row",

		"app_key,local_name,is_deploy_dir\napp,y,2\nother,y,1\nAPP-conf,z,1\n":                     `line 4: app_key: "APP-conf" releases the application app-conf, as line 2 does`,
		"app_key,local_name,is_deploy_dir\napp-conf,y,1\nother,y,1\nApp,z,2\n":                     `line 4: app_key: "App" releases the application app-conf, as line 2 does`,
		"app_key,local_name,configure_file_status,configure_file_list\nx,y,1,../../etc/passwd\n":   `line 2: configure_file_list: "../../etc/passwd" is no path below a directory`,
		"app_key,local_name,configure_file_status,configure_file_list\nx,y,1,\"a,/etc/passwd\"\n":  `line 2: configure_file_list: "/etc/passwd" is no path below a directory`,
		"app_key,local_name,configure_file_status,configure_file_list\nx,y,1,\"a\r\n\r\n..\"\nz\n": "line 5: wrong number of fields",
	} {
		_, bad := programs(text)
		require.NotEmpty(t, bad, text)
		require.Equal(t, want, bad[0].Error(), text)
	}
}

func FuzzPrograms(f *testing.F) {
	for _, seed := range []string{
		"app_key,local_name,pro_dir,is_deloy_dir\na,b,/c,2\n", "app_key;local_name;configure_file_status;configure_file_list\na;b;1;x,../y\n",
		"CREATE TABLE `pre_server_detail` (`app_key` text, `local_name` text, `pro_dir` text);\nINSERT INTO `pre_server_detail` VALUES ('a','b','//..//');",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := programs(text)
		for _, p := range all {
			require.Positive(t, p.Line)
			for _, part := range p.Parts() {
				require.NotEmpty(t, part.Base())
			}
		}
	})
}
