package observe

import "go.opentelemetry.io/otel/attribute"

// Fact is what a span says of the thing that it is about. There are these, and no
// others: ids, names and numbers, none of which can be a secret.
type Fact attribute.KeyValue

// Deployment is the id of the deployment.
func Deployment(id string) Fact { return Fact(attribute.String("slipway.deployment", id)) }

// Host is the id of the server.
func Host(id string) Fact { return Fact(attribute.String("slipway.host", id)) }

// Kind is what is done: deploy, rollback and so on.
func Kind(kind string) Fact { return Fact(attribute.String("slipway.kind", kind)) }

// Wave is the wave that the host belongs to, from 0.
func Wave(n int) Fact { return Fact(attribute.Int("slipway.wave", n)) }

// Attempt is which attempt of the job it is, from 1.
func Attempt(n int) Fact { return Fact(attribute.Int("slipway.attempt", n)) }

// Outcome is how it went: succeeded, failed, cancelled and so on.
func Outcome(state string) Fact { return Fact(attribute.String("slipway.outcome", state)) }

// Method is that of an HTTP request.
func Method(method string) Fact { return Fact(attribute.String("http.request.method", method)) }

// Route is the template of the path of an HTTP request.
func Route(route string) Fact { return Fact(attribute.String("http.route", route)) }

// Status is that of an HTTP answer.
func Status(code int) Fact { return Fact(attribute.Int("http.response.status_code", code)) }

// Request is the id of the request, as it is in the log.
func Request(id string) Fact { return Fact(attribute.String("slipway.request", id)) }

func failed(code string) Fact { return Fact(attribute.String("error.type", code)) }

func attributes(facts []Fact) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, len(facts))
	for _, f := range facts {
		if f.Value.Type() != attribute.STRING || f.Value.AsString() != "" { // of no deployment, for instance
			all = append(all, attribute.KeyValue(f))
		}
	}
	return all
}
