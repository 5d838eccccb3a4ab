package apitest

import (
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// listRunning tells of every server that what was deployed to it last runs there.
func (g *Gateway) listRunning(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	may := func(name, have string) bool { return q.Get(name) == "" || q.Get(name) == have }
	seen := map[string]bool{}
	var found []client.Placement
	for _, d := range g.deployments {
		for _, t := range d.targets {
			if seen[d.Application+t.Name] || !may("application", d.Application) || !may("server", t.Name) {
				continue
			}
			seen[d.Application+t.Name] = true
			found = append(found, client.Placement{
				Application: d.Application, Server: t.Server, Name: t.Name, Path: d.Path, Version: d.Version, Deployment: d.ID, Since: d.AcceptedAt,
			})
		}
	}
	reply(w, http.StatusOK, pageOf(r, found))
}

func (g *Gateway) statistics(r *http.Request) client.Statistics {
	one := client.Summary{
		Application: "shop", Deploys: client.Outcomes{Succeeded: 3, Failed: 1}, DeploymentFrequency: 0.1, ChangeFailureRate: 0.25,
		Duration: client.Percentiles{Count: 4, P50: 42_000}, LeadTime: client.Percentiles{Count: 3, P50: 61_000},
	}
	s := client.Statistics{From: "2026-03-01", To: "2026-03-30", Total: one, Applications: []client.Summary{}, Days: []client.DayOutcomes{}}
	if day := time.Now().UTC().Format(time.DateOnly); r.URL.Query().Get("application") == "" {
		s.Applications = append(s.Applications, one)
		s.Total.Application = ""
		s.Days = append(s.Days, client.DayOutcomes{Day: day, Deploys: one.Deploys})
	}
	return s
}

// behind is how far history is.
var behind = client.History{Seq: 7, Last: 9, Behind: 2, SetAside: 1, Newest: []client.SetAside{
	{Seq: 3, Subject: "slipway.v1.ev.d.sys", Reason: "malformed message"},
}}
