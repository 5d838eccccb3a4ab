package modes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// The modes, in the order in which auto tries them.
var modes = []string{contract.RuntimeDocker, contract.RuntimeUV, contract.RuntimeFallback, contract.RuntimeAuto}

// noteMode is what a deployment's mode is noted by. Clients note nothing by this name.
const noteMode = "modes.mode"

const idTime = "20060102_150405"

var idForm = regexp.MustCompile(`^([a-z]+)_([0-9]{8}_[0-9]{6})_([0-9a-f]{8})$`)

// idOf is what clients call a deployment of a mode, "" where it was not begun by one.
func idOf(native, mode string) string {
	second, bits, short := dialects.Bits(native)
	if !short || !slices.Contains(modes, mode) {
		return ""
	}
	return fmt.Sprintf("%s_%s_%08x", mode, second.Format(idTime), bits)
}

// nativeOf is the native id of what a client names, and its mode.
func nativeOf(id string) (native, mode string, ok bool) {
	parts := idForm.FindStringSubmatch(id)
	if parts == nil || !slices.Contains(modes, parts[1]) {
		return "", "", false
	}
	second, err := time.Parse(idTime, parts[2])
	bits, wrong := strconv.ParseUint(parts[3], 16, 32)
	return dialects.ShortOf(second, uint32(bits)), parts[1], err == nil && wrong == nil
}

// deployment is a native one.
type deployment struct {
	ID          string            `json:"id"`
	Project     string            `json:"project"`
	Application string            `json:"application"`
	Kind        string            `json:"kind"`
	State       string            `json:"state"`
	Reason      string            `json:"reason"`
	Metadata    map[string]string `json:"metadata"`
	AcceptedAt  time.Time         `json:"accepted_at"`
	StartedAt   *time.Time        `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"`
}

func (d deployment) id() string   { return idOf(d.ID, d.mode()) }
func (d deployment) mode() string { return d.Metadata[noteMode] }

// noted is what the client has noted of it.
func (d deployment) noted() map[string]string {
	all := map[string]string{}
	for name, value := range d.Metadata {
		if name != noteMode {
			all[name] = value
		}
	}
	return all
}

// find returns the deployment that the path names.
func (c Config) find(ctx context.Context, r *dialects.Request) (deployment, error) {
	id := r.Param("id")
	unknown := &dialects.Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("找不到部署 %q", id)}
	native, mode, valid := nativeOf(id)
	if !valid {
		return deployment{}, unknown
	}
	var d deployment
	err := r.Do(ctx, dialects.Operation{Route: "GET /v1/deployments/:id", Params: []string{native}}, &d)
	var p *dialects.Problem
	switch {
	case errors.As(err, &p) && p.Status == http.StatusNotFound:
		return d, unknown
	case err != nil:
		return d, err
	case d.mode() != mode || d.Project != c.Project || d.Application != c.Application:
		return d, unknown
	}
	return d, nil
}

// stamp is a time as clients read it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
