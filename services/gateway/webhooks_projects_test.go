package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADeliveryIsShownByTheProjectOfItsEvent(t *testing.T) {
	f := start(t, withWebhooks(t))
	rc := newReceiver(t, nil)
	id, _ := f.hook(object{"url": rc.URL})
	path := "/v1/webhooks/" + id
	f.runs("d1") // in the project web
	rc.await(4)
	f.eventually(func() bool { return len(f.get(path+"/deliveries?state=delivered").column("id")) == 4 }, "the end of all")
	web := f.get(path + "/deliveries").column("id")
	f.patch(path, object{"projects": []string{"shop", "web"}}).is(200)
	both := f.as(f.tokenFor(grant("administrator", "shop"), grant("administrator", "web")))
	require.Equal(t, web, both.get(path+"/deliveries").column("id"))

	f.patch(path, object{"projects": []string{"shop"}}).is(200)
	shop := f.as(f.tokenFor(grant("administrator", "shop")))
	require.Empty(t, shop.get(path+"/deliveries").is(200).column("id"))
	require.Equal(t, web, f.get(path+"/deliveries").column("id"))
	one := path + "/deliveries/" + web[0]
	shop.get(one).refused(404, "not_found")
	shop.post(one+"/replay", nil).refused(404, "not_found")
	f.get(one).is(200)
	f.post(one+"/replay", nil).refused(409, "state_conflict")
	test := shop.post(path+"/test", nil).is(202).id()
	shop.get(path + "/deliveries/" + test).is(200)
	rc.await(5)
}

func TestWhatWaitsIsNotSentOnceAWebhookIsOfAnotherProject(t *testing.T) {
	f := start(t, withWebhooks(t))
	before, after := newReceiver(t, nil), newReceiver(t, nil)
	id, _ := f.hook(object{"url": before.URL})
	path := "/v1/webhooks/" + id
	f.post(path+"/pause", object{"reason": "x"}).is(200)
	f.runs("d1")
	f.eventually(func() bool { return len(f.get(path+"/deliveries?state=waiting").column("id")) == 4 }, "all wait")
	f.patch(path, object{"projects": []string{"shop"}}).is(200)
	shop := f.as(f.tokenFor(grant("administrator", "shop")))
	shop.patch(path, object{"url": after.URL}).is(200)
	shop.post(path+"/resume", nil).is(200)
	f.eventually(func() bool { return len(f.get(path+"/deliveries?state=dead").column("id")) == 4 }, "the end of all")
	require.Empty(t, before.got())
	require.Empty(t, after.got())
}
