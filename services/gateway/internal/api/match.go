package api

import (
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/revision"
)

// etag is a revision as clients know it.
func etag(rev uint64) string { return `"` + strconv.FormatUint(rev, 10) + `"` }

// ifMatch returns the revision that the client insists on, or 0. A tag that was
// never given out matches nothing.
func ifMatch(c *call) (uint64, error) {
	text := strings.TrimSpace(strings.Join(c.http.Request().Header.Values("If-Match"), ","))
	if text == "" || text == "*" {
		return 0, nil
	}
	rev, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 64)
	if err != nil || rev == 0 || text != etag(rev) {
		return 0, revision.ErrChanged
	}
	return rev, nil
}
