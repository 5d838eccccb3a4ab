//go:build bench

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/standalone"
)

// slipway is a standalone installation as `make run` starts it, in this process.
type slipway struct {
	t     *testing.T
	url   string
	token string
	http  *http.Client
}

func startSlipway(t *testing.T) *slipway {
	t.Helper()
	var cfg standalone.Config
	config.Defaults(&cfg)
	cfg.Data, cfg.Gateway.Listen = t.TempDir(), "127.0.0.1:0"
	cfg.Gateway.Limits.CallerRate, cfg.Gateway.Limits.AddressRate, cfg.Gateway.Limits.CallerWatches = 0, 0, 0 // one client measures how much it takes
	cfg.Gateway.Timeouts.Broker = time.Minute                                                                 // a slow disk is to be seen as a figure, not as 503
	said := &lifecycletest.Output{}
	service, err := standalone.New(cfg, zerolog.Nop(), said)
	require.NoError(t, err)
	lifecycletest.Start(t, service.Run)
	s := &slipway{t: t, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	s.url = regexp.MustCompile(`http://\S+`).FindString(said.String())
	s.token = regexp.MustCompile(`slw_\S+`).FindString(said.String())
	return s
}

// call makes a request and decodes the answer into result, which may be nil.
func (s *slipway) call(method, path string, body any, result any) {
	s.t.Helper()
	status, raw := s.send(method, path, body)
	if status >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	if result != nil {
		require.NoError(s.t, json.Unmarshal(raw, result))
	}
}

func (s *slipway) send(method, path string, body any) (int, []byte) {
	var content io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		content, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, []byte(err.Error())
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, content)
	if err != nil {
		return 0, []byte(err.Error())
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if content != nil {
		req.Header.Set("Content-Type", kind)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return res.StatusCode, raw
}

// addServers adds the hosts and returns their names.
func (s *slipway) addServers(sites []site) []string {
	s.t.Helper()
	names := make([]string, len(sites))
	for i, h := range sites {
		names[i] = h.Name
		s.call("POST", "/v1/servers", map[string]any{
			"name": h.Name, "address": h.Addr, "port": h.Port, "user": h.User, "host_key": h.HostKey,
			"credential": map[string]string{"private_key": string(h.PrivateKeyPEM)},
		}, nil)
	}
	return names
}

func (s *slipway) upload(application, version, filename string, content []byte) {
	s.t.Helper()
	s.call("POST", fmt.Sprintf("/v1/packages?application=%s&version=%s&filename=%s", application, version, filename), content, nil)
}

// deployment is what the benchmarks read of one.
type deployment struct {
	ID         string    `json:"id"`
	State      string    `json:"state"`
	AcceptedAt time.Time `json:"accepted_at"`
}

// deploy ships a version to servers and returns once the deployment has ended
// well.
func (s *slipway) deploy(application, version string, servers []string) deployment {
	s.t.Helper()
	return s.succeed(s.order(map[string]any{"application": application, "version": version, "servers": servers}))
}

// order has a deployment accepted.
func (s *slipway) order(body map[string]any) deployment {
	s.t.Helper()
	var d deployment
	s.call("POST", "/v1/deployments", body, &d)
	return d
}

// succeed returns once the deployment has ended well.
func (s *slipway) succeed(d deployment) deployment {
	s.t.Helper()
	d = s.await(d)
	if d.State != "succeeded" {
		_, targets := s.send("GET", "/v1/deployments/"+d.ID+"/targets", nil)
		s.t.Fatalf("deployment %s: %s", d.State, strings.ReplaceAll(string(targets), `},{`, "},\n{"))
	}
	return d
}

// await returns once the deployment has ended: it watches what happens in it.
func (s *slipway) await(d deployment) deployment {
	s.t.Helper()
	const event = "\nevent: deployment."
	status, told := s.send("GET", "/v1/deployments/"+d.ID+"/events", nil) // ends with the last one
	require.Equal(s.t, http.StatusOK, status, "%s", told)
	_, last, found := strings.Cut(string(told[max(0, bytes.LastIndex(told, []byte(event))):]), event)
	require.True(s.t, found, "%s", told)
	d.State, _, _ = strings.Cut(last, "\n")
	return d
}
