package probe

import (
	"fmt"
	"net/url"

	"github.com/slipway-deploy/slipway/libs/netguard"
)

// ParseURL reads what an HTTP check may ask for. It fails with ErrInvalid, and
// with ErrCredentials where that is why; its messages do not repeat the URL.
func ParseURL(text string) (*url.URL, error) {
	if len(text) > MaxURL {
		return nil, fmt.Errorf("%w URL: it is longer than %d bytes", ErrInvalid, MaxURL)
	}
	u, err := netguard.ParseURL(text)
	if err != nil {
		return nil, fmt.Errorf("%w URL: %w", ErrInvalid, err)
	}
	if u.User != nil {
		return nil, fmt.Errorf("%w URL: %w", ErrInvalid, ErrCredentials)
	}
	return u, nil
}

// ParseServer reads where a Prometheus is: a URL that paths can be put behind. It
// fails like ParseURL, and with ErrQuery where that is why.
func ParseServer(text string) (*url.URL, error) {
	u, err := ParseURL(text)
	if err == nil && (u.RawQuery != "" || u.ForceQuery || u.Fragment != "") {
		return nil, fmt.Errorf("%w URL: %w", ErrInvalid, ErrQuery)
	}
	return u, err
}
