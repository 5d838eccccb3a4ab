package config_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
)

func TestASecretIsNeverShown(t *testing.T) {
	type holder struct {
		S config.Secret
		P *config.Secret
		M map[string]config.Secret
	}
	s := config.Secret("s3cret")
	h := holder{S: s, P: &s, M: map[string]config.Secret{"k": s}}
	asJSON, err := json.Marshal(h)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(h)
	require.NoError(t, err)
	shown := []string{string(asJSON), string(asYAML)}
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%t"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, h))
	}
	for _, text := range shown {
		require.NotContains(t, text, "s3cret")
		require.NotContains(t, text, "733363726574", "hexadecimal")
	}
	require.Equal(t, "[secret]", fmt.Sprint(s))
	require.JSONEq(t, `{"S":"[secret]","P":"[secret]","M":{"k":"[secret]"}}`, string(asJSON))
	require.Empty(t, fmt.Sprint(config.Secret("")), "no secret is nothing to hide")
}

func TestASecretCanBeGivenByFileInEverySource(t *testing.T) {
	token := write(t, "token", " s3 cret \r\n")
	sources := map[string]struct{ args, environ []string }{
		"flag":        {args: []string{"--nats-token-file", token}},
		"environment": {environ: []string{"SLIPWAY_NATS_TOKEN_FILE=" + token}},
		"file":        {args: []string{"--config", write(t, "c.yaml", "nats: {token_file: "+token+"}")}},
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			var cfg settings
			require.NoError(t, config.Load(&cfg, "prog", source.args, source.environ))
			require.Equal(t, " s3 cret ", string(cfg.NATS.Token))
		})
	}
}

func TestASecretFileMustHoldASecretAndBeTheOnlyForm(t *testing.T) {
	empty, missing := write(t, "empty", "\n"), filepath.Join(t.TempDir(), "missing")
	load := func(args, environ []string) []string { return problems(t, &settings{}, args, environ) }

	require.Equal(t, []string{"--nats-token-file: the file is empty"},
		load([]string{"--nats-token-file", empty}, nil))
	require.Equal(t, []string{
		"--nats-token-file (SLIPWAY_NATS_TOKEN_FILE): open " + missing + ": no such file or directory",
	}, load(nil, []string{"SLIPWAY_NATS_TOKEN_FILE=" + missing}))
	require.Equal(t, []string{"--nats-token (--nats-token-file): give the value or the file that holds it, not both"},
		load([]string{"--nats-token=s3cret", "--nats-token-file", empty}, nil))
}
