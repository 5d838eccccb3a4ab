package sync

import (
	"context"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// initialise has the supervisors of servers know a project. os_system means nothing yet,
// and never did.
func initialise(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, language, content := r.Said.Required("project_name"), r.Said.Required("language"), r.Said.Required("superconf_content")
	servers, directory := r.Said.RequiredList("server_list"), readDirectory(r.Said, language)
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	lasting, cancel := dialects.Lasting(ctx)
	defer cancel()
	hosts, failed, err := on(lasting, r, servers)
	if err != nil || len(hosts.IDs) == 0 {
		return done(failed, initialised), err
	}
	want := map[string]any{
		"servers": hosts.IDs, "profile": language, "supervisor": map[string]string{"content": content},
	}
	if directory != "" {
		want["directory"] = directory
	}
	var d dialects.Deployment
	err = r.Do(lasting, dialects.Operation{Route: "POST /v1/applications/:application/init", Params: []string{project}, Body: want}, &d)
	if err != nil {
		return dialects.Reply{}, asSaid(err)
	}
	return concluded(ctx, r, d, hosts, failed, initialised)
}
