package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
)

func TestAFileKeepsTheTextOfItsValues(t *testing.T) {
	file := write(t, "c.yaml", "# settings\n---\nlisten: 1.10\norigins:\n  - 007\n  - 'it''s'\nnats:\n  token: |\n    two\n    lines\n")
	var cfg settings
	require.NoError(t, config.Load(&cfg, "prog", []string{"--config", file}, nil))
	require.Equal(t, "1.10", cfg.Listen)
	require.Equal(t, []string{"007", "it's"}, cfg.Origins)
	require.Equal(t, "two\nlines\n", string(cfg.NATS.Token))
}

func TestAFileWithoutContentSaysNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "---\n"} {
		var cfg settings
		require.NoError(t, config.Load(&cfg, "prog", []string{"--config", write(t, "c.yaml", text)}, nil))
		require.Equal(t, defaults(), cfg)
	}
}

func TestAFileThatCannotBeReadIsAMistake(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"a list":            {"- a\n", ": must hold one YAML mapping, of names to values"},
		"two documents":     {"listen: a\n---\nlisten: b\n", ": must hold one YAML mapping, of names to values"},
		"a key twice":       {"listen: a\nlisten: b\n", `:2: is not YAML: mapping key "listen" already defined at [1:1]`},
		"a broken line":     {"limit: 1\nlisten: \"s3cret\n", ":2: is not YAML: could not find end character of double-quoted text"},
		"config in config":  {"config: x\n", `:1): unknown key "config"`},
		"a merge":           {"<<: {listen: a}\n", `:1): unknown key "<<"`},
		"a dotted key":      {"nats.url: a\n", `:1): unknown key "nats.url"`},
		"an empty key":      {"'': {listen: a}\n", `:1): unknown key ""`},
		"a group as value":  {"listen: {a: b}\n", ":1): needs a plain value: a group, an anchor, an alias or a tag cannot stand here"},
		"an anchor":         {"listen: &a b\n", ":1): needs a plain value: a group, an anchor, an alias or a tag cannot stand here"},
		"a list in a list":  {"origins: [[a]]\n", ":1): needs a plain value: a group, an anchor, an alias or a tag cannot stand here"},
		"a value as group":  {"\nnats: a\n", ":2): is a group of settings: write them indented below it"},
		"a secret's 2 ways": {"nats:\n  token: a\n  token_file: b\n", ":3): give the value or the file that holds it, not both"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := problems(t, &settings{}, []string{"--config", write(t, "c.yaml", c.text)}, nil)
			require.Len(t, got, 1)
			require.Contains(t, got[0], c.want)
			require.NotContains(t, got[0], "s3cret")
		})
	}
}

func TestAMissingFileIsReportedBesideOtherMistakes(t *testing.T) {
	require.Equal(t, []string{
		"--config (SLIPWAY_CONFIG): open /nowhere/c.yaml: no such file or directory",
		`--workers: "x" is not a whole number`,
	}, problems(t, &settings{}, []string{"--workers=x"}, []string{"SLIPWAY_CONFIG=/nowhere/c.yaml"}))
}
