package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
)

// broker is a group of settings with a check of its own.
type broker struct {
	URL   string        `conf:"url" default:"nats://127.0.0.1:4222" help:"URL of the broker"`
	Token config.Secret `conf:"token" help:"token for the broker"`
}

func (b broker) Validate() []error {
	if b.URL == "bad" {
		return []error{config.Invalid("url", "must begin with nats://"), nil}
	}
	return nil
}

// settings has a field of every type.
type settings struct {
	Listen  string        `conf:"listen" default:"127.0.0.1:8080" help:"address the API listens on"`
	Debug   bool          `conf:"debug" help:"log more"`
	Workers int           `conf:"workers" default:"4" help:"deployments at once"`
	Limit   int64         `conf:"limit" default:"-1" help:"a limit"`
	Ratio   float64       `conf:"ratio" default:"0.7" help:"a ratio"`
	AckWait time.Duration `conf:"ack_wait" default:"6s" help:"time to acknowledge"`
	MaxBody config.Size   `conf:"max_body" default:"64MiB" help:"largest body"`
	Origins []string      `conf:"origins" default:"a, b" help:"origins"`
	NATS    broker        `conf:"nats"`

	Hook func() // not a setting
}

func (s *settings) Validate() []error {
	var errs []error
	if s.Workers < 1 {
		errs = append(errs, config.Invalid("workers", "is %d, must be at least 1", s.Workers))
	}
	if s.Debug && s.Listen == "" {
		errs = append(errs, errors.New("debugging needs an address"))
	}
	return errs
}

func defaults() settings {
	return settings{
		Listen: "127.0.0.1:8080", Workers: 4, Limit: -1, Ratio: 0.7, AckWait: 6 * time.Second,
		MaxBody: 64 * config.MiB, Origins: []string{"a", "b"}, NATS: broker{URL: "nats://127.0.0.1:4222"},
	}
}

// write puts text into a new file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// problems loads and returns the text of each mistake.
func problems(t *testing.T, target any, args, environ []string) []string {
	t.Helper()
	var invalid *config.InvalidError
	require.ErrorAs(t, config.Load(target, "prog", args, environ), &invalid)
	texts := make([]string, 0, len(invalid.Problems))
	for _, p := range invalid.Problems {
		texts = append(texts, p.Error())
	}
	return texts
}

func TestDefaultsHoldWhenNothingIsGiven(t *testing.T) {
	var loaded, filled settings
	require.NoError(t, config.Load(&loaded, "prog", nil, nil))
	require.Equal(t, defaults(), loaded)
	config.Defaults(&filled)
	require.Equal(t, defaults(), filled)
}

func TestDefaultsKeepWhatIsSet(t *testing.T) {
	cfg := settings{Listen: "127.0.0.1:0", NATS: broker{URL: "nats://elsewhere"}}
	config.Defaults(&cfg)
	want := defaults()
	want.Listen, want.NATS.URL = "127.0.0.1:0", "nats://elsewhere"
	require.Equal(t, want, cfg)
}

func TestEverySourceSaysTheSameByTheSameNames(t *testing.T) {
	file := write(t, "all.yaml", `
listen: ":1"
debug: true
workers: 8
limit: 9000000000
ratio: 1.5
ack_wait: 1m
max_body: 2GB
origins: [x, "y"]
nats:
  url: nats://other
  token: s3cret
`)
	sources := map[string]struct{ args, environ []string }{
		"flags": {args: []string{
			"--listen", ":1", "--debug", "--workers=8", "--limit", "9000000000", "--ratio", "1.5",
			"--ack-wait", "1m", "--max-body", "2GB", "--origins", "x,y",
			"--nats-url", "nats://other", "--nats-token", "s3cret",
		}},
		"environment": {environ: []string{
			"SLIPWAY_LISTEN=:1", "SLIPWAY_DEBUG=true", "SLIPWAY_WORKERS=8", "SLIPWAY_LIMIT=9000000000",
			"SLIPWAY_RATIO=1.5", "SLIPWAY_ACK_WAIT=1m", "SLIPWAY_MAX_BODY=2GB", "SLIPWAY_ORIGINS= x , y ",
			"SLIPWAY_NATS_URL=nats://other", "SLIPWAY_NATS_TOKEN=s3cret",
			"SLIPWAY_SOMETHING_ELSE=1", "PATH=/bin", "odd",
		}},
		"file by flag":        {args: []string{"--config", file}},
		"file by environment": {environ: []string{"SLIPWAY_CONFIG=" + file}},
	}
	want := settings{
		Listen: ":1", Debug: true, Workers: 8, Limit: 9000000000, Ratio: 1.5, AckWait: time.Minute,
		MaxBody: 2e9, Origins: []string{"x", "y"}, NATS: broker{URL: "nats://other", Token: "s3cret"},
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			var cfg settings
			require.NoError(t, config.Load(&cfg, "prog", source.args, source.environ))
			require.Equal(t, want, cfg)
		})
	}
}

func TestFlagsWinOverEnvironmentOverFileOverDefault(t *testing.T) {
	file := write(t, "c.yaml", "listen: file\nlimit: 1\nworkers: 1\nnats: {token: file}\n")
	environ := []string{"SLIPWAY_CONFIG=" + file, "SLIPWAY_LISTEN=env", "SLIPWAY_LIMIT=2", "SLIPWAY_NATS_TOKEN=env"}
	token := write(t, "token", "from its file\n")

	var cfg settings
	require.NoError(t, config.Load(&cfg, "prog", []string{
		"--listen=first", "--listen=flag", "--nats-token-file", token,
	}, environ))
	require.Equal(t, "flag", cfg.Listen)
	require.EqualValues(t, 2, cfg.Limit)
	require.Equal(t, 1, cfg.Workers)
	require.Equal(t, 0.7, cfg.Ratio)
	require.Equal(t, "from its file", string(cfg.NATS.Token), "a secret's two forms are one setting")
}

func TestABooleanFlagTakesItsValueInEveryForm(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"--debug"}, true},
		{[]string{"--debug=false"}, false},
		{[]string{"--debug", "false"}, false},
		{[]string{"--debug", "true"}, true},
		{[]string{"--debug", "--workers", "4"}, true},
		{[]string{"--debug=true", "--debug", "false"}, false},
	} {
		var cfg settings
		require.NoError(t, config.Load(&cfg, "prog", c.args, nil), c.args)
		require.Equal(t, c.want, cfg.Debug, c.args)
		require.Equal(t, 4, cfg.Workers)
	}
	require.Equal(t, []string{`unexpected argument "no"`}, problems(t, &settings{}, []string{"--debug", "no"}, nil))
}

func TestEmptyMeansNotSetInEnvironmentAndFileButNotInAFlag(t *testing.T) {
	file := write(t, "c.yaml", "listen:\nnats:\norigins: []\n")
	var cfg settings
	require.NoError(t, config.Load(&cfg, "prog", []string{"--config", file, "--nats-url="}, []string{"SLIPWAY_WORKERS="}))
	want := defaults()
	want.Origins, want.NATS.URL = nil, ""
	require.Equal(t, want, cfg)
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	file := write(t, "c.yaml", "ratio: much\nnats:\n  uri: nope\n  url: bad\nworkers: [1]\n")
	got := problems(t, &settings{},
		[]string{"--config", file, "--max-body=1K", "stray", "--what", "value", "-x", "--limit=1.5", "--listen"},
		[]string{"SLIPWAY_ACK_WAIT=30", "SLIPWAY_ORIGINS=a,,b", "SLIPWAY_DEBUG=maybe"})
	require.Equal(t, []string{
		`unexpected argument "stray"`,
		`unknown flag --what`,
		`unknown flag -x`,
		`--listen: needs a value`,
		`--config (` + file + `:3): unknown key "nats.uri"`,
		`--debug (SLIPWAY_DEBUG): "maybe" is not true or false`,
		`--workers (` + file + `:5): takes one value, not a list`,
		`--limit: "1.5" is not a whole number`,
		`--ratio (` + file + `:1): "much" is not a number`,
		`--ack-wait (SLIPWAY_ACK_WAIT): "30" is not a duration such as 1500ms, 30s or 5m`,
		`--max-body: "1K" is not a size such as 500000, 64MiB or 2GB`,
		`--origins (SLIPWAY_ORIGINS): has an empty item in its list`,
		`--nats-url (` + file + `:4): must begin with nats://`,
	}, got)
}

func TestValidateIsAskedEverywhereButNotAboutWhatWasNotRead(t *testing.T) {
	require.Equal(t, []string{
		"--workers: is 0, must be at least 1",
		"debugging needs an address",
		"--nats-url (SLIPWAY_NATS_URL): must begin with nats://",
	}, problems(t, &settings{}, []string{"--workers=0", "--debug", "--listen="}, []string{"SLIPWAY_NATS_URL=bad"}))

	var outer struct {
		Inner settings `conf:"inner"`
	}
	require.Equal(t, []string{
		"--inner-workers: is 0, must be at least 1",
		"--inner-*: debugging needs an address",
	}, problems(t, &outer, []string{"--inner-workers=0", "--inner-debug", "--inner-listen="}, nil))

	outer.Inner.Workers = -5
	require.Equal(t, []string{`--inner-workers: "x" is not a whole number`},
		problems(t, &outer, []string{"--inner-workers=x"}, nil))
}

func TestTheWholeMessageHasALineForEachMistake(t *testing.T) {
	err := config.Load(&settings{}, "slipway-gateway", []string{"--workers=x", "--no"}, nil)
	require.EqualError(t, err, "invalid configuration:\n"+
		"  unknown flag --no\n"+
		"  --workers: \"x\" is not a whole number\n"+
		"slipway-gateway --help lists every setting")
}

func TestMistakesInTheProgramPanic(t *testing.T) {
	cases := map[string]any{
		"no pointer": settings{},
		"no struct":  new(int),
		"bad name": &struct {
			A string `conf:"Big-Name" help:"x"`
		}{},
		"no help": &struct {
			A string `conf:"a"`
		}{},
		"unexported": &struct {
			a string `conf:"a" help:"x"`
		}{},
		"unknown type": &struct {
			A uint8 `conf:"a" help:"x"`
		}{},
		"bad default": &struct {
			A int `conf:"a" default:"x" help:"x"`
		}{},
		"reserved name": &struct {
			A string `conf:"config" help:"x"`
		}{},
		"reserved name 2": &struct {
			A string `conf:"help" help:"x"`
		}{},
		"one name twice": &struct {
			A string `conf:"nats_url" help:"x"`
			B broker `conf:"nats"`
		}{},
		"an except that names nothing": &struct {
			A broker `conf:"a" except:"url,listen"`
		}{},
		"an except with nothing in it": &struct {
			A broker `conf:"a" except:"url,"`
		}{},
		"the name of a secret's file": &struct {
			A config.Secret `conf:"a" help:"x"`
			B string        `conf:"a_file" help:"x"`
		}{},
	}
	for name, target := range cases {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, func() { config.Defaults(target) })
		})
	}
}
