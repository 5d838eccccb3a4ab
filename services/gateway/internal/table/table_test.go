package table_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
)

func TestRowsAreReadFromADumpWithTheirLines(t *testing.T) {
	dump := "-- MySQL dump\nDROP TABLE IF EXISTS `hosts`;\nCREATE TABLE `hosts` (\n  `id` int(11) NOT NULL COMMENT 'a, ''b'', (c)',\n  `name` varchar(9) DEFAULT NULL,\n" +
		"  `key` text,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `name` (`name`,`id`)\n) ENGINE=InnoDB;\nLOCK TABLES `hosts` WRITE;\nINSERT INTO `hosts` VALUES (1,'it\\'s; (a)\\n',NULL),\n" +
		"( '2' , 'b''c' , _binary 'NULL' );\nINSERT INTO `other_hosts` VALUES (1);\nINSERT INTO other VALUES ('x');\n\nINSERT INTO db.hosts (`name`, extra) VALUES ('d', -1.5);\n"
	got, bad := table.Read(dump, "hosts")
	require.Empty(t, bad)
	require.Equal(t, []string{"id", "name", "key", "extra"}, got.Columns)
	require.Equal(t, []table.Row{
		{Line: 11, Cells: map[string]string{"id": "1", "name": "it's; (a)\n", "key": ""}},
		{Line: 12, Cells: map[string]string{"id": "2", "name": "b'c", "key": "NULL"}},
		{Line: 16, Cells: map[string]string{"name": "d", "extra": "-1.5"}},
	}, got.Rows)

	got, bad = table.Read("CREATE TABLE public.hosts (id bigint, \"key\" numeric(3,2), CONSTRAINT x CHECK (id > 0));\ninsert into public.hosts values (1, 2);", "hosts")
	require.Empty(t, bad)
	require.Equal(t, []table.Row{{Line: 2, Cells: map[string]string{"id": "1", "key": "2"}}}, got.Rows)
}

func TestWhatIsWrongWithADumpIsNamedByLine(t *testing.T) {
	for text, want := range map[string][]string{
		"INSERT INTO other VALUES (1);":                                  {"line 1: the dump has no rows of hosts"},
		"CREATE TABLE hosts (a int);":                                    {"line 1: the dump has no rows of hosts"},
		"INSERT INTO hosts VALUES (1);":                                  {"line 1: its columns are named nowhere: neither by CREATE TABLE nor by INSERT"},
		"INSERT INTO hosts (a) VALUES\n(1),\n(1,2),\n(3);":               {"line 3: has 2 values for 1 columns"},
		"INSERT INTO hosts (a) VALUES (1)":                               {"line 1: the dump is cut off"},
		"INSERT INTO hosts (a) VALUES (1),\n(2":                          {"line 2: the dump is cut off in this row"},
		"INSERT INTO hosts (a) VALUES (1),\n(2,'x\n\n":                   {"line 2: the dump is cut off in this row"},
		"INSERT INTO hosts (a) VALUES\n('x\\":                            {"line 2: the dump is cut off in this row"},
		"CREATE TABLE hosts (\n`a` int COMMENT 'x\nINSERT INTO hosts VA": {"line 1: the dump has no rows of hosts"},
	} {
		_, bad := table.Read(text, "hosts")
		require.Equal(t, want, said(bad), text)
	}
}

func TestWhatIsWrongWithCSVIsNamedByLine(t *testing.T) {
	for text, want := range map[string][]string{
		"":                      {"line 1: there is no line that names the columns"},
		"a,b\n1\n2,3\n4,5,6\n":  {"line 2: wrong number of fields", "line 4: wrong number of fields"},
		"a,a\n":                 {"line 1: a: is named twice"},
		"a\n\"1\n2\n":           {"line 2: extraneous or missing \" in quoted-field"},
		"a,b\n1,x\"y\n2,3\n4,5": {"line 2: bare \" in non-quoted-field"},
	} {
		_, bad := table.Read(text, "hosts")
		require.Equal(t, want, said(bad), text)
	}
}

func TestATableIsMadePlain(t *testing.T) {
	got, bad := table.Read("\ufeff Name ;HOST;other;secret\n a ; NULL;\\N; x \n", "hosts")
	require.Empty(t, bad)
	require.Equal(t, table.Table{
		Columns: []string{"name", "address", "other", "secret"}, Rows: []table.Row{{Line: 2, Cells: map[string]string{"name": "a", "secret": "x "}}},
	}, got.Plain(map[string]string{"host": "address"}, "secret"))
}

func TestALongDumpIsReadOnce(t *testing.T) {
	_, bad := table.Read(strings.Repeat("INSERT INTO hosts (a) VALUES\n", 100_000), "hosts")
	require.Equal(t, []string{"line 100001: the dump is cut off"}, said(bad)[:1], "and not anew for each of its statements")
}

func said(bad []table.Bad) []string {
	var lines []string
	for _, one := range bad {
		lines = append(lines, one.Error())
	}
	return lines
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a;b\n\"1\n2\";3", "CREATE TABLE hosts (`a` int);\nINSERT INTO hosts VALUES (1),('x\\'y'),(NULL);", "INSERT INTO `hosts` (`a`, b) VALUES (_binary 'x', 1.5);",
		"INSERT INTO hosts (a) VALUES ('", "INSERT INTO hosts VALUES (((", "CREATE TABLE hosts (a int COMMENT '", "REPLACE IGNORE INTO hosts (a) VALUES (1);",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, bad := table.Read(text, "hosts")
		lines := strings.Count(text, "\n") + 1
		for _, row := range got.Rows {
			require.Subset(t, got.Columns, keys(row.Cells))
			require.LessOrEqual(t, row.Line, lines)
		}
		for _, one := range bad {
			require.Positive(t, one.Line)
			require.LessOrEqual(t, one.Line, lines)
		}
	})
}

func keys(cells map[string]string) []string {
	var names []string
	for name := range cells {
		names = append(names, name)
	}
	return names
}
