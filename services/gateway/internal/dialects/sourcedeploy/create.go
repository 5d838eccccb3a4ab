package sourcedeploy

import (
	"context"
	"errors"
	"strconv"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// created is what was made.
type created struct {
	ID   *uint64 `json:"id"`
	Name string  `json:"name"`
}

// create has an operation make something and answers with its number.
func create(ctx context.Context, r *dialects.Request, kind numbers.Kind, op dialects.Operation) (dialects.Reply, error) {
	var i item
	if err := r.Do(ctx, op, &i); err != nil {
		return dialects.Reply{}, err
	}
	number, err := numberOf(ctx, r, kind, i.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	return answer(created{number, i.Name})
}

func createProject(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	name := r.Said.Required("name")
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	return create(ctx, r, numbers.Project, dialects.Operation{Route: "POST /v1/projects", Body: map[string]any{"name": name}})
}

// createStage makes a stage of servers, or of a group of them.
func createStage(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, err := theProject(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	name, kind, config := r.Said.Required("name"), r.Said.Required("type"), r.Said.Object("config")
	defaults := map[string]any{}
	switch kind {
	case "": // is said already
	case onServers:
		defaults["servers"], err = numberedIn(ctx, r, config, numbers.Server, "serverNo", config.RequiredList("serverNo"))
	case onGroup:
		var ids []string
		if no := config.Required("autoScalingGroupNo"); no != "" {
			ids, err = numberedIn(ctx, r, config, numbers.Group, "autoScalingGroupNo", []string{no})
		}
		if len(ids) == 1 {
			defaults["group"] = ids[0]
		}
	default:
		r.Said.Wrong("type", noSuchTarget(kind))
	}
	if err == nil {
		err = r.Said.Err()
	}
	if err != nil {
		return dialects.Reply{}, err
	}
	return create(ctx, r, numbers.Stage, dialects.Operation{
		Route: "POST /v1/projects/:project/stages", Params: []string{project.ID}, Body: map[string]any{"name": name, "defaults": defaults},
	})
}

// numberedIn finds the ids that numbers in a field stand for. Those that nothing has are
// noted.
func numberedIn(ctx context.Context, r *dialects.Request, s *dialects.Said, kind numbers.Kind, field string, all []string) ([]string, error) {
	var ids []string
	for _, text := range all {
		number, err := strconv.ParseUint(dialects.Whole(text), 10, 64)
		if err != nil {
			s.Wrong(field, dialects.NotNumber)
			continue
		}
		id, err := r.Numbered(ctx, kind, number)
		switch {
		case errors.Is(err, numbers.ErrNone):
			s.Wrong(field, "nothing has the number "+text)
		case err != nil:
			return nil, err
		default:
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// noSuchTarget says why there are no stages of a type.
func noSuchTarget(kind string) string {
	if kind == kubernetes || kind == storage {
		return kind + " is not supported: Slipway deploys to servers, and to groups of them, alone"
	}
	return "must be " + onServers + " or " + onGroup
}

// refuseScenario says how a scenario is made: what the original says of one leaves open what
// Slipway needs to know, the application, and names things of a cloud.
func refuseScenario(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	if _, _, err := theStage(ctx, r); err != nil {
		return dialects.Reply{}, err
	}
	config := r.Said.Object("config")
	switch {
	case config.Given("manifest"), config.Given("canaryConfig"):
		r.Said.Wrong("config", noSuchTarget(kubernetes))
	case config.Given("path"), config.Given("backup"):
		r.Said.Wrong("config", noSuchTarget(storage))
	default:
		r.Said.Wrong("config", "is not taken: a scenario is a template of Slipway that names this stage (POST /v1/projects/{project}/templates, slipway templates add)")
	}
	return dialects.Reply{}, r.Said.Err()
}
