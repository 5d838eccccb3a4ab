package netguard

import "net/url"

// ParseURL reads an absolute URL of scheme http or https. It fails with ErrURL;
// the message does not repeat the URL, which may hold a secret.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !isHTTP(u) {
		return nil, ErrURL
	}
	return u, nil
}

func isHTTP(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }
