package bustest

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// StartCluster runs so many servers on the loopback interface that share their streams.
// It returns once they accept connections, which is before they have elected who leads:
// clients wait for that. A server may be stopped and restarted like any other; without
// most of them none stores anything.
func StartCluster(t testing.TB, size int) []*Server {
	t.Helper()
	var ports []int
	var routes []*url.URL
	for range size {
		port := proctest.ReservePort(t)
		ports = append(ports, port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", fmt.Sprint(port))})
	}
	var all []*Server
	for i, port := range ports {
		all = append(all, StartListening(t, func(o *server.Options) {
			o.ServerName = fmt.Sprintf("bustest-%d", i)
			o.Cluster = server.ClusterOpts{Name: "bustest", Host: "127.0.0.1", Port: port, NoAdvertise: true}
			o.Routes = routes
		}))
	}
	return all
}

// URLs is where these servers are reached, as services are told.
func URLs(servers []*Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.URL())
	}
	return strings.Join(all, ",")
}
