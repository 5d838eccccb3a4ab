package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// rexDump is the inventory of rex as mysqldump writes it, with all its columns: a program with its configuration apart,
// and one with it inside, on one host.
const rexDump = "-- MySQL dump 10.14  Distrib 5.5.56-MariaDB, for Linux (x86_64)\n/*!40101 SET NAMES utf8 */;\n\nDROP TABLE IF EXISTS `pre_server_detail`;\n/*!40101 SET character_set_client = utf8 */;\n" +
	"CREATE TABLE `pre_server_detail` (\n  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT '序号',\n  `yewu_name` varchar(255) DEFAULT NULL COMMENT '业务管理',\n" +
	"  `depart_name` varchar(64) DEFAULT NULL COMMENT '分区名称',\n  `server_name` varchar(128) DEFAULT NULL COMMENT '服务器名称',\n  `external_ip` varchar(15) DEFAULT NULL COMMENT '公网IP',\n" +
	"  `network_ip` varchar(15) NOT NULL COMMENT '内网IP',\n  `cpu` varchar(64) DEFAULT NULL COMMENT 'CPU',\n  `mem` varchar(64) DEFAULT NULL COMMENT '内存',\n  `disk` varchar(64) DEFAULT NULL,\n" +
	"  `pro_type` varchar(164) DEFAULT '' COMMENT '应用类型',\n  `config_dir` varchar(255) DEFAULT '' COMMENT '配置目录',\n  `pro_dir` varchar(255) DEFAULT NULL COMMENT '工程目录',\n" +
	"  `log_dir` varchar(164) DEFAULT NULL,\n  `pro_key` varchar(164) DEFAULT NULL COMMENT '进程关键词',\n  `pro_init` varchar(164) DEFAULT NULL COMMENT '启动脚本',\n  `note` varchar(128) DEFAULT NULL,\n" +
	"  `status` varchar(64) DEFAULT '启用' COMMENT '状态',\n  `created_time` datetime DEFAULT NULL,\n  `local_name` varchar(200) DEFAULT NULL COMMENT '识别名称',\n" +
	"  `app_key` varchar(200) DEFAULT NULL COMMENT '应用唯一关键词',\n  `is_deloy_dir` varchar(64) DEFAULT NULL COMMENT '发布目录判断',\n  `auto_deloy` varchar(64) DEFAULT '0',\n" +
	"  `env` varchar(255) CHARACTER SET utf8 COLLATE utf8_bin DEFAULT NULL,\n  `configure_file_list` text COMMENT '配置组',\n" +
	"  `configure_file_status` int(11) DEFAULT NULL COMMENT '0为拷贝整个目录，1为读取列表文件',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=131 DEFAULT CHARSET=utf8;\n\n" +
	"LOCK TABLES `pre_server_detail` WRITE;\n/*!40000 ALTER TABLE `pre_server_detail` DISABLE KEYS */;\n" +
	"INSERT INTO `pre_server_detail` VALUES (1,'','','后台服务集群1','127.0.0.1','%[1]s','4核','8GB','100G(本地盘)','tomcat','/data/www/config1','/data/www/html1','/data/log/server1','tomcat-server1'," +
	"'/etc/init.d/tomcat-server1','it\\'s (the) first; of two','1','2018-03-21 10:29:50','server','server1','2','1','test',NULL,0)," +
	"(3,'','','调度服务集群1','127.0.0.1','%[1]s','4核','8GB','100G(本地盘)','tomcat','/data/www/flow1/WEB-INF/classes/','/data/www/flow1','/data/log/flow1','tomcat-flow1'," +
	"'/usr/local/tomcat-flow1/bin/startup.sh','','1','2018-03-21 10:30:19','flow','flow1','1','1','test','config.properties,log4j.properties',1);\n" +
	"/*!40000 ALTER TABLE `pre_server_detail` ENABLE KEYS */;\nUNLOCK TABLES;\n-- Dump completed on 2018-03-21  4:26:31\n"

// imported is what taking a list over came to.
type imported struct{ Created, Changed, Same, Skipped, Failed int }

// takeOver sends a list twice: the first time it must come to this, the second nothing changes.
func (c *client) takeOver(t *testing.T, path string, list map[string]any, want imported) {
	t.Helper()
	list["dry_run"] = true
	require.Equal(t, want, must[imported](t, c, request{method: "POST", path: path, body: list}, http.StatusOK))
	list["dry_run"] = false
	require.Equal(t, want, must[imported](t, c, request{method: "POST", path: path, body: list}, http.StatusOK), "the dry run said so")
	again := imported{Same: want.Created + want.Changed + want.Same, Skipped: want.Skipped}
	require.Equal(t, again, must[imported](t, c, request{method: "POST", path: path, body: list}, http.StatusOK))
}

func TestWhatRexAndPlatformKeepIsTakenOverAndDeployedTo(t *testing.T) {
	t.Parallel()
	hosts := hosttest.Start(t, 2, hosttest.WithRoot(), hosttest.WithPassword())
	s := startStandalone(t)
	out, err := sshOutput(t, hosts[0], `mkdir -p /etc/init.d && printf '#!/bin/sh\necho "$1" >>/root/runs\n' >/etc/init.d/tomcat-server1 && chmod 755 /etc/init.d/tomcat-server1`)
	require.NoError(t, err, "%s", out)
	must[struct{}](t, s.client, request{method: "POST", path: "/v1/projects", body: map[string]string{"name": "shop"}}, http.StatusCreated)

	dump := fmt.Sprintf(rexDump, hosts[0].Addr)
	s.takeOver(t, "/v1/servers/import", map[string]any{"format": "rex", "list": dump, "defaults": map[string]any{
		"user": hosts[0].User, "port": hosts[0].Port, "first_contact": true, "credential": map[string]string{"private_key": string(hosts[0].PrivateKeyPEM)},
	}}, imported{Created: 1})
	s.takeOver(t, "/v1/projects/shop/applications/import", map[string]any{"format": "rex", "list": dump}, imported{Created: 3})
	for _, program := range []string{"server1", "server1-conf", "flow1"} {
		s.upload(t, program, "1.0", program+".tar.gz", content{"run": program}.tarGz(t))
		s.succeed(t, must[deployment](t, s.client, request{method: "POST", path: "/v1/deployments", body: map[string]string{"project": "shop", "application": program, "version": "1.0"}}, http.StatusAccepted).ID)
	}
	require.Equal(t, "server1", read(t, hosts[0], "/data/www/html1/run"))
	require.Equal(t, "server1-conf", read(t, hosts[0], "/data/www/config1/run"))
	require.Equal(t, "flow1", read(t, hosts[0], "/data/www/flow1/run"))
	require.Equal(t, "restart\n", read(t, hosts[0], "/root/runs"))
	found := all[server](t, s.client, "/v1/servers", map[string][]string{"label": {"group/flow=true", "environment=test"}})
	require.Len(t, found, 1)
	require.Equal(t, "后台服务集群1", found[0].Name)

	rows := "id,name,host,port,username,auth_type,password,private_key,status,environment,deleted_at\n" +
		fmt.Sprintf("12,by-password,%s,%d,%s,password,%s,,1,prod,\n", hosts[1].Addr, hosts[1].Port, hosts[1].User, hosts[1].Password) +
		fmt.Sprintf("13,by-key,%s,%d,%s,key,,\"%s\",1,prod,NULL\n", hosts[0].Addr, hosts[0].Port, hosts[0].User, hosts[0].PrivateKeyPEM) +
		fmt.Sprintf("14,gone,%s,22,root,,,,0,,2024-01-01 00:00:00\n", hosts[1].Addr)
	s.takeOver(t, "/v1/servers/import", map[string]any{"format": "platform", "list": rows, "defaults": map[string]any{"first_contact": true}}, imported{Created: 2, Skipped: 1})
	s.upload(t, app, "1.0", "shop.tar.gz", content{"run": "shop"}.tarGz(t))
	s.succeed(t, s.deploy(t, order{Application: app, Version: "1.0", Servers: []string{"by-password", "by-key"}, Path: "/srv/shop"}).ID)
	for _, h := range hosts {
		require.Equal(t, "shop", read(t, h, "/srv/shop/current/run"))
	}
	d := &devops{standalone: s, hosts: hosts}
	numbers := map[string]int{}
	for _, one := range sent[platformPage[platformServer]](t, d, "GET", "/api/servers", nil, http.StatusOK).Items {
		numbers[one.Name] = one.ID
	}
	require.Equal(t, map[string]int{"by-password": 12, "by-key": 13, "后台服务集群1": 14}, numbers, "those of the list stay, and the next is behind them")
	began := sent[platformDeployment](t, d, "POST", "/api/deployments", map[string]any{
		"name": "web", "server_id": 12, "repository": repositoryOnHost, "path": shopPath, "script": "echo by number >/srv/said\n",
	}, http.StatusCreated)
	d.ended(t, began.ID, 2)
	require.Equal(t, "by number\n", read(t, hosts[1], "/srv/said"))
	require.NotContains(t, s.process.output(), hosts[1].Password)
}
