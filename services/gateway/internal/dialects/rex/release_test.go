package rex

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
)

// endless has one server, and deployments that never end.
type endless struct {
	dialects.Native // what is not asked here
	begun           []string
}

// Do implements dialects.Native.
func (n *endless) Do(_ context.Context, o dialects.Operation, into any) error {
	answer := `{"items": [{"id": "s1", "name": "web-1"}]}`
	if o.Route == "POST /v1/deployments" {
		n.begun = append(n.begun, o.Body.(string))
		answer = `{"id": "d1"}`
	}
	return json.NewDecoder(strings.NewReader(answer)).Decode(into)
}

// Ended implements dialects.Native.
func (n *endless) Ended(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAReleaseIsNotWaitedForWithoutEndOnceItsClientHasGone(t *testing.T) {
	for name, waits := range map[string]bool{"the program is to follow its configuration": true, "nothing is to follow": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, hangUp := context.WithCancel(t.Context())
				n := &endless{}
				time.AfterFunc(24*time.Hour, hangUp)
				began := time.Now()
				row := rextable.Program{Key: "app", Dir: "/data/app", ConfigDir: "/data/conf", Apart: waits, Server: "web-1"}
				_, _, err := Config{}.each(ctx, &dialects.Request{Native: n}, []rextable.Program{row}, func(_ context.Context, _ *work, p part) (dialects.Operation, error) {
					return dialects.Operation{Route: "POST /v1/deployments", Body: p.Application}, nil
				})
				require.ErrorIs(t, err, context.Canceled)
				require.Len(t, n.begun, 1)
				require.Equal(t, waits, time.Since(began) > 24*time.Hour)
				require.Less(t, time.Since(began), 25*time.Hour)
			})
		})
	}
}

// shared has two servers at one address.
type shared struct{ dialects.Native }

// Do implements dialects.Native.
func (shared) Do(_ context.Context, _ dialects.Operation, into any) error {
	return json.Unmarshal([]byte(`{"items": [{"id": "s1", "name": "web-1", "address": "10.0.0.2"}, {"id": "s2", "name": "web-2", "address": "10.0.0.2"}]}`), into)
}

func TestARowSaysWhyItsServerIsNotFound(t *testing.T) {
	for _, one := range []struct{ server, address, found, failed string }{
		{"web-2", "10.0.0.2", "s2", ""},
		{"10.0.0.2", "web-2", "s2", ""},
		{"nobody", "10.0.0.2", "", "多台服务器使用该地址, 请使用服务器名称"},
		{"nobody", "10.0.0.9", "", "服务器未登记"},
	} {
		w := &work{Program: rextable.Program{Dir: "/data/app", Server: one.server, Address: one.address}}
		require.NoError(t, w.locate(t.Context(), &dialects.Request{Native: shared{}}))
		require.Equal(t, one.found, w.server)
		require.Equal(t, one.failed, w.failed)
	}
}
