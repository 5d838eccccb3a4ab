package rex

import (
	"context"
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
)

// Dialect is how clients of the service speak, of an inventory and its directories.
func Dialect(c Config) dialects.Dialect {
	return dialects.Dialect{
		Name: "rex",
		Routes: []dialects.Route{
			{Method: http.MethodPost, Path: "", Needs: access.DeploymentsCreate, Action: "rex.run", Itself: true, Handle: c.run},
		},
		Refuse:     refuse,
		Credential: credential,
	}
}

// credential is the token of the query, or what clients of every dialect may send.
func credential(r *http.Request) string {
	if token := r.URL.Query().Get("token"); token != "" {
		return token
	}
	return dialects.Credential(r)
}

// module carries out what an action names.
type module func(Config, context.Context, *dialects.Request, []rextable.Program, bool) (outcome, string, error)

// modules are the actions that there are.
var modules = map[string]module{
	"Deploy:Core:syncpro":  Config.syncpro,
	"Deploy:Core:deploy":   Config.release,
	"Deploy:Core:rollback": Config.rollBack,
}

// run does what a request asks for.
func (c Config) run(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	began := time.Now()
	asked, wrong := parse(r.Said)
	if wrong != "" {
		return asked.refused(wrong, began), nil
	}
	if c.Inventory == "" {
		return asked.failed(ErrOff.Error(), dialects.Off(ErrOff.Error()), began), nil
	}
	all, err := readInventory(c.Inventory)
	if err != nil {
		return asked.failed(err.Error(), dialects.Unavailable(), began), nil
	}
	rows, unknown := chosen(all, asked.names)
	if len(unknown) > 0 {
		return asked.failed("名字不存在: "+join(unknown), dialects.Invalid(), began), nil
	}
	out, why, err := modules[asked.action](c, ctx, r, rows, asked.update)
	if err != nil {
		return dialects.Reply{}, err
	}
	return asked.done(c, out, why, began), nil
}

// syncpro brings programs and configurations to where they are released from.
func (c Config) syncpro(_ context.Context, _ *dialects.Request, rows []rextable.Program, update bool) (outcome, string, error) {
	m, err := c.bring(rows, update)
	return m.outcome(), "", err
}
