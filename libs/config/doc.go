// Package config turns flags, environment variables and a YAML file into a
// typed struct, and reports every mistake in them at once.
//
// A setting is a struct field with a conf tag; a struct field with a conf tag
// is a group of settings:
//
//	type Config struct {
//		Listen string `conf:"listen" default:"127.0.0.1:8080" help:"address the API listens on"`
//		NATS   struct {
//			URL   string        `conf:"url" default:"nats://127.0.0.1:4222" help:"URL of the broker"`
//			Token config.Secret `conf:"token" help:"token for the broker"`
//		} `conf:"nats"`
//	}
//
// A tag is lower case, words joined by underscores. One setting has one name,
// spelled as each source spells names:
//
//	flag         --nats-url
//	environment  SLIPWAY_NATS_URL
//	file         nats: {url: …}, written nats.url in messages
//
// A flag wins over the environment, which wins over the file, which wins over
// the default. The file is named by --config or SLIPWAY_CONFIG. An empty
// environment variable counts as not set, since unit files and compose files
// pass unset ones on that way; a key without a value in the file too.
//
// A field may be a string, bool, int, int64, float64, [time.Duration], [Size],
// []string or [Secret]. A list is separated by commas, or is a YAML list. A
// secret x may instead be kept in a file of its own, named by --x-file,
// SLIPWAY_X_FILE or the key x_file.
//
// A program that runs another one's parts takes their configuration as a group,
// less what it sets by itself after Load:
//
//	Gateway gateway.Config `conf:"gateway" except:"nats,log,cache.dir"`
//
// What is excepted is no setting, has no default, and is not validated.
//
// A mistake in the struct itself (a tag that is no name, a default that does
// not parse, a type that is not known, two settings of one name, an except that
// names nothing) is a bug in the program, and panics.
package config
