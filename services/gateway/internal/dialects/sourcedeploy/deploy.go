package sourcedeploy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// order is a native request for a deployment. The template says all the rest.
type order struct {
	Project  string          `json:"project"`
	Stage    string          `json:"stage"`
	Template string          `json:"template"`
	Approval json.RawMessage `json:"approval,omitempty"`
}

// deployNow deploys the scenario in the path; its stage may ask for an approval.
func deployNow(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, stage, template, err := theScenario(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	return accepted(ctx, r, order{Project: project.Name, Stage: stage.Name, Template: template.Name})
}

// request deploys the scenario in the path once somebody has approved it: as the scenario,
// its stage, its application or the project says, if one of them does.
func request(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, stage, template, err := theScenario(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	o := order{Project: project.Name, Stage: stage.Name, Template: template.Name}
	application, err := theApplication(ctx, r, project, template)
	if err != nil {
		return dialects.Reply{}, err
	}
	for _, one := range []item{template, stage, application, project} {
		if one.Defaults.Approval != nil {
			return accepted(ctx, r, o)
		}
	}
	o.Approval = json.RawMessage(`{}`)
	return accepted(ctx, r, o)
}

// theApplication reads what the project says of the application of a template; nothing, if
// nobody has described it.
func theApplication(ctx context.Context, r *dialects.Request, project, template item) (item, error) {
	if template.Defaults.Application == "" {
		return item{}, nil
	}
	found, err := read[item](ctx, r, "GET /v1/projects/:project/applications/:application", project.ID, template.Defaults.Application)
	if isStatus(err, http.StatusNotFound) {
		err = nil
	}
	return found, err
}

func isStatus(err error, status int) bool {
	var p *dialects.Problem
	return errors.As(err, &p) && p.Status == status
}

// accepted has a deployment accepted and answers with its number.
func accepted(ctx context.Context, r *dialects.Request, o order) (dialects.Reply, error) {
	var d dialects.Deployment
	if err := r.Do(ctx, dialects.Operation{Route: "POST /v1/deployments", Body: o}, &d); err != nil {
		return dialects.Reply{}, err
	}
	number, err := numberOf(ctx, r, numbers.Deployment, d.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	return answer(map[string]any{"historyId": number})
}
