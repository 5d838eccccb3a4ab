package bus

import (
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// LogSubject adds to a line of the log the subject of a message, and which deployment and
// host that is about.
func LogSubject(line *zerolog.Event, subject string) *zerolog.Event {
	deployment, host := contract.About(subject)
	if deployment != "" {
		line = line.Str("deployment", deployment)
	}
	if host != "" {
		line = line.Str("host", host)
	}
	return line.Str("subject", subject)
}
