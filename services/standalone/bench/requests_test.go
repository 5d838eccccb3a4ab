//go:build bench

package bench

import (
	"fmt"
	"net/http"
	"testing"
)

// TestRead reads a server beside a bare Echo handler that answers with the last
// message of a subject.
func TestRead(t *testing.T) {
	wanted(t, "read")
	s := startSlipway(t)
	path := "/v1/servers/" + s.addNowhere()
	bare := startBareEcho(t)
	for _, clients := range crowds {
		name := fmt.Sprintf("read.%d", clients)
		compare(t, unitsOf(name),
			func(int) measurement { return load(t, name, clients, s.expecting(http.StatusOK, "GET", path, nil)) },
			func(int) measurement { return load(t, name, clients, s.bare(http.MethodGet, bare, "")) })
	}
}

// TestDoor measures what a request pays before anything is done for it: for
// authentication, who one is beside a request that needs no credential; for
// validation, a deployment that is refused once all of it was read, and its
// package and servers were looked for (422), beside one that is refused for its
// type (415).
func TestDoor(t *testing.T) {
	wanted(t, "door")
	s := startSlipway(t)
	body := map[string]any{
		"application": "door", "version": "1", "servers": []string{"nobody"}, "strategy": map[string]any{"type": "rolling", "batch": "10%"},
		"failures": map[string]any{"max": "5%"}, "start_at": "yesterday",
	}
	alone := func(name string, request func() error) turn {
		return func(int) measurement { return load(t, name, 1, request) }
	}
	compare(t, unitsOf("door.authentication"),
		alone("door.authentication", s.expecting(http.StatusOK, "GET", "/v1/whoami", nil)),
		alone("door.authentication", s.expecting(http.StatusOK, "GET", "/healthz", nil)))
	compare(t, unitsOf("door.validation"),
		alone("door.validation", s.expecting(http.StatusUnprocessableEntity, "POST", "/v1/deployments", body)),
		alone("door.validation", s.expecting(http.StatusUnsupportedMediaType, "POST", "/v1/deployments", []byte("{}"))))
}
