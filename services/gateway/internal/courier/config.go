package courier

import (
	"net/netip"
	"time"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/telemetry"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// Config is how deliveries are carried.
type Config struct {
	Forms        map[string]webhooks.Form // that callbacks may be told in
	Keys         seal.Keys                // open the secrets of webhooks
	Allow        []netip.Prefix           // ranges that are not public and may be sent to
	Timeout      time.Duration            // for a receiver to answer
	RetryFirst   time.Duration            // pause after the first failure; each is twice the one before
	RetryLongest time.Duration            // and no longer than this
	RetryFor     time.Duration            // after its creation, a delivery that fails is dead
	PauseAfter   time.Duration            // a receiver that fails for so long is paused
	Waiting      int                      // deliveries that may wait for one receiver; further ones are dead at once
	AtOnce       int                      // deliveries to one receiver
	InFlight     int                      // deliveries to all
	Beat         time.Duration            // how often the courier says that it is there
	Seen         *telemetry.Telemetry
}

const (
	silence = 3 // beats without a word, after which another gateway takes over
	fence   = 2 // beats without a write, after which the courier stops by itself
)
