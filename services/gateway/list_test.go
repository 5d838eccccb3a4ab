package gateway_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestEveryFilterOfDeploymentsReachesHistory(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	ids := f.fleet("a")
	from, to := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	asked := func(query string) contract.ListDeployments {
		f.get("/v1/deployments?limit=7" + query).is(200)
		l, ok := lastAsked[contract.ListDeployments](h)
		require.True(t, ok)
		l.MinSeq, l.Limit = 0, 0
		return l
	}
	gone := xid.New().String()
	for query, want := range map[string]contract.ListDeployments{
		"":                                     {},
		"&application=shop":                    {Application: "shop"},
		"&project=back-office":                 {Project: "back-office"},
		"&state=running":                       {State: "running"},
		"&actor=" + url.QueryEscape("ann lee"): {Actor: "ann lee"},
		"&server=a":                            {Server: ids[0]},
		"&server=" + ids[0]:                    {Server: ids[0]},
		"&server=" + gone:                      {Server: gone},
		"&text=api+1.4":                        {Text: "api 1.4"},
		"&metadata=ticket%3DSHOP-42":           {Metadata: []contract.Note{{Name: "ticket", Value: "SHOP-42"}}},
		"&metadata=a.b%24=c%3Dd&metadata=e%3D": {Metadata: []contract.Note{{Name: "a.b$", Value: "c=d"}, {Name: "e"}}},
		"&sort=oldest":                         {Order: "oldest"},
		"&from=2026-03-01T12:00:00%2B01:00&to=2026-03-02T00:00:00Z": {From: &from, To: &to},
	} {
		require.Equal(t, want, asked(query), query)
	}
	for _, wrong := range []string{"ticket", "%3Dx", "a%0Ab%3Dx", strings.Repeat("n", 65) + "%3Dx", "nul%3D%00", "a%3Db&metadata=a", strings.Repeat("a%3Db&metadata=", 33) + "a%3Db"} {
		require.Contains(t, f.get("/v1/deployments?metadata="+wrong).refused(422, "invalid_request"), "metadata", wrong)
	}
	bad := f.get("/v1/deployments?project=-&actor=&server=a.b&text=%00&sort=up&from=today&to=2026-03-01&cursor=MQ&foo=1").refused(422, "invalid_request")
	for _, name := range []string{"project", "actor", "server", "text", "sort", "from", "to", "cursor", "foo"} {
		require.Contains(t, bad, name)
	}
}

func TestAListHasSeenWhatWasThereWhenItWasAskedFor(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	f.fleet("a")
	f.shop("1")
	f.get("/v1/deployments").is(200)
	l, _ := lastAsked[contract.ListDeployments](h)
	require.Zero(t, l.MinSeq, "nothing was deployed")

	made := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": []string{"a"}}).is(202).object()
	began := f.begin(made["id"].(string))
	f.get("/v1/deployments").is(200)
	l, _ = lastAsked[contract.ListDeployments](h)
	require.Equal(t, began, l.MinSeq)
}
