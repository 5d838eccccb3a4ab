package standalone_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/standalone"
	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
)

// archivedFile is a deployment as history archives it. What was archived once must be readable for ever, so that this does
// not change.
func archivedFile(t *testing.T, id string) []byte {
	t.Helper()
	lines := `{"kind":"deployment","version":1,"deployment":"` + id + `","project":"shop","application":"web"}
{"kind":"document","version":1,"collection":"deployments","document":{"_id":"` + id + `","seq":{"$numberLong":"9"},"kind":"deploy","project":"shop","application":"web","version":"1.4.2","actor":"ann","state":"succeeded","targets":{"$numberInt":"1"},"wave":{"$numberInt":"0"},"waves":{"$numberInt":"1"},"accepted_at":{"$date":{"$numberLong":"1772366400000"}},"ended_at":{"$date":{"$numberLong":"1772366460000"}},"ended_seq":{"$numberLong":"9"},"counts":[{"pending":{"$numberInt":"0"},"running":{"$numberInt":"0"},"succeeded":{"$numberInt":"1"},"failed":{"$numberInt":"0"},"skipped":{"$numberInt":"0"}}],"words":["shop","web"]}}
{"kind":"document","version":1,"collection":"targets","document":{"_id":"` + id + `/0","seq":{"$numberLong":"8"},"deployment":"` + id + `","index":{"$numberInt":"0"},"targets":[{"host":"h1","name":"web-1","wave":{"$numberInt":"0"},"state":"succeeded"}]}}
`
	end := fmt.Sprintf(`{"kind":"end","version":1,"deployment":"%s","documents":2,"sha256":"%x"}`+"\n", id, sha256.Sum256([]byte(lines)))
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	_, err := io.WriteString(w, lines+end)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return file.Bytes()
}

func TestAnArchivedDeploymentIsBroughtBack(t *testing.T) {
	const id = "d5f2k3s9h8e7g6j1a2b0"
	data := filepath.Join(t.TempDir(), "data")
	cfg := load(t, data)
	first := start(t, cfg)
	require.Equal(t, http.StatusNotFound, first.get(t, first.token, "/v1/deployments/"+id))
	first.stop()

	file := filepath.Join(t.TempDir(), id+".jsonl.gz")
	require.NoError(t, os.WriteFile(file, archivedFile(t, id), 0o600))
	var asked standalone.RestoreConfig
	require.NoError(t, config.Load(&asked, "test", []string{"--data", data, "--from", file}, nil))
	restore := func() (string, error) {
		out := &lifecycletest.Output{}
		r, err := standalone.NewRestore(asked, zerolog.Nop(), out)
		require.NoError(t, err)
		err = r.Run(t.Context(), func() {})
		return out.String(), err
	}
	said, err := restore()
	require.NoError(t, err)
	require.Equal(t, "brought back "+id+"\n1 deployments brought back\n", said)

	second := start(t, cfg)
	require.Equal(t, http.StatusOK, second.get(t, first.token, "/v1/deployments/"+id))
	require.Equal(t, http.StatusOK, second.get(t, first.token, "/v1/deployments/"+id+"/targets"))
	_, err = restore()
	require.ErrorIs(t, err, datadir.ErrInUse)
}

func TestARestoreIsToldWhatToBringBack(t *testing.T) {
	err := config.Load(&standalone.RestoreConfig{}, "test", []string{"--data", t.TempDir()}, nil)
	require.ErrorContains(t, err, "--deployment: this, or from, must say what to bring back")
}
