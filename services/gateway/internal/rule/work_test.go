package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRulesOfWork(t *testing.T) {
	for name, c := range map[string]struct {
		rule      func(string) string
		good, bad []string
	}{
		"variable": {Variable, []string{"A", "_a1", "PATH", "SLIPWAY", strings.Repeat("a", 128)},
			[]string{"", "1a", "a-b", "a b", "ü", "A\n", "SLIPWAY_X", "slipway_x", "UID", "_", "IFS", strings.Repeat("a", 129)}},
		"value":              {Value, []string{"", "a\nb", "größe '\"$(x)`\\"}, []string{"a\x00", "\xff"}},
		"user":               {User, []string{"www-data", "_apt", "Max.M"}, []string{"", "-u", "1a", "a b", "a\n", strings.Repeat("a", 33)}},
		"inside":             {Inside, []string{"a", "bin/x y", ".env", "a..b"}, []string{"", ".", "/a", "../a", "a/../b", "a//b", "a/", "-a", "~/a", "a\n"}},
		"unit":               {Unit, []string{"shop.service", "shop@1", `a\x2db`}, []string{"", "-x", "a b", "a;b", "a\n"}},
		"program":            {Program, []string{"shop", "shop:web_00"}, []string{"", "a b", "a:b:c", ":a", "a:", "a\n"}},
		"address":            {Address, []string{"127.0.0.1:80", "localhost:8080", "[::1]:1"}, []string{"", "80", ":80", "a:", "a:0", "a:65536", "a:http", "a b\n:1"}},
		"pattern":            {Pattern, []string{"java -jar"}, []string{"", "a\nb"}},
		"log":                {LogFile, []string{"/var/log/a b.log", "shared/log/a"}, []string{"", "/", "../a", "/a/../b", "//a", "a\n"}},
		"pidfile":            {Pidfile, []string{"/run/a.pid", "tmp/pid"}, []string{"", "/", "../a", "/a\n"}},
		"file":               {FileName, []string{"app.jar", ".env"}, []string{"", "a/b", "..", "-a", "a\n"}},
		"script":             {ScriptText, []string{"#!/bin/sh\n"}, []string{"", " \n", "a\x00", strings.Repeat("a", maxScript+1)}},
		"program or version": {Executable, []string{"python3.11", "3.12", "/opt/python"}, []string{"", "-c", "bin/python", "/", "a\n"}},
		"link":               {Link, []string{"zeus", "/opt/zeus.jar"}, []string{"", "/", "a/b", "/a/../b", "/a/", "current", ".slipway", "a\n"}},
		"absolute":           {Absolute, []string{"/opt/uv"}, []string{"", "/", "uv", "/a\n"}},
		"image":              {Image, []string{"shop", "registry:5000/a/shop:{{version}}", "shop@sha256:" + strings.Repeat("a", 64)}, []string{"", "-shop", "a b", "a\n", "{{version}}/{{version}}", "{{host}}"}},
		"docker's name":      {DockerName, []string{"host", "1000:1000", "my_net.1"}, []string{"", "-x", "a b", "a,b", "a/b", "a\n"}},
		"container":          {ContainerVariable, []string{"PATH", "OLD_1"}, []string{"DOCKER_HOST", "LD_PRELOAD"}},
		"ip":                 {IP, []string{"127.0.0.1", "::1"}, []string{"", "localhost", "127.0.0.1:80", "fe80::1%eth0", "127.0.0.1\n"}},
		"mount":              {MountSource, []string{"data", "/srv/it's here"}, []string{"", "/", "./a", "/a,readonly", "/a\"", "/a\n"}},
		"tree":               {Tree, []string{".", "a/b.tar"}, []string{"", "..", "/a", "./a"}},
		"name":               {TaskName, []string{"migrate", "warm up"}, []string{"", " a", "a\n", strings.Repeat("a", 64)}},
	} {
		for _, good := range c.good {
			require.Empty(t, c.rule(good), "%s: %q", name, good)
		}
		for _, bad := range c.bad {
			require.NotEmpty(t, c.rule(bad), "%s: %q", name, bad)
		}
	}
}
