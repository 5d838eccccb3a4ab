package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Edge is what browsers and proxies are told, and believed.
type Edge struct {
	Origins []string                 // whose pages may use the API in a browser
	CORSAge time.Duration            // for which a browser remembers that
	HSTS    time.Duration            // for which a browser comes by TLS alone; 0: it is not told so
	Proxied func(*http.Request) bool // the request comes from a trusted proxy
}

// What pages of other origins may send and read. Cookies are none of it: who calls is
// said by a header that a page has to set by itself.
var (
	corsMethods = strings.Join([]string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete}, ", ")
	corsRequest = strings.Join([]string{
		echo.HeaderAuthorization, echo.HeaderContentType, headerKey, "If-Match", headerLastEvent, echo.HeaderXRequestID, "Traceparent",
	}, ", ")
	corsAnswer = strings.Join([]string{
		"ETag", echo.HeaderLocation, echo.HeaderRetryAfter, echo.HeaderXRequestID, headerReplayed, echo.HeaderWWWAuthenticate,
	}, ", ")
)

// strict is what every answer says. Nothing here is a page, and nothing is to be kept.
var strict = map[string]string{
	echo.HeaderXContentTypeOptions:   "nosniff",
	echo.HeaderXFrameOptions:         "DENY",
	echo.HeaderReferrerPolicy:        "no-referrer",
	echo.HeaderContentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
	echo.HeaderCacheControl:          "no-store",
}

// atTheEdge does what is due for every request, whatever it is for.
func (a *API) atTheEdge(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for name, value := range strict {
			h.Set(name, value)
		}
		req := c.Request()
		a.believe(req)
		if a.Edge.HSTS > 0 && req.TLS != nil {
			h.Set(echo.HeaderStrictTransportSecurity, "max-age="+seconds(a.Edge.HSTS))
		}
		a.boundAnswer(c)
		if req.Body != nil && req.Body != http.NoBody {
			// Else a body that never comes would keep the connection of a request that was refused without a look at it.
			_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(a.Limits.Read))
			body := watchBody(c)
			c.Response().Before(func() { a.leaveBody(c, body) })
		}
		if a.cors(req, h) {
			if err := a.admitAddress(req, false); err != nil {
				a.count(req.Method, nowhere, a.refuse(c, err))
				return nil
			}
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

// believe takes from a trusted proxy which name the client used: a page of that origin
// may open a WebSocket.
func (a *API) believe(req *http.Request) {
	if a.Edge.Proxied == nil || !a.Edge.Proxied(req) {
		return
	}
	if hosts := strings.Split(req.Header.Get("X-Forwarded-Host"), ","); strings.TrimSpace(hosts[len(hosts)-1]) != "" {
		req.Host = strings.TrimSpace(hosts[len(hosts)-1]) // what the nearest proxy says
	}
}

// cors tells browsers which pages may use the API, and says whether that is all that was
// asked for.
func (a *API) cors(req *http.Request, h http.Header) (preflight bool) {
	if len(a.Edge.Origins) == 0 {
		return false
	}
	h.Add(echo.HeaderVary, echo.HeaderOrigin)
	origin := req.Header.Get(echo.HeaderOrigin)
	if !slices.Contains(a.Edge.Origins, origin) {
		return false
	}
	h.Set(echo.HeaderAccessControlAllowOrigin, origin)
	if req.Method != http.MethodOptions || req.Header.Get(echo.HeaderAccessControlRequestMethod) == "" {
		h.Set(echo.HeaderAccessControlExposeHeaders, corsAnswer)
		return false
	}
	h.Set(echo.HeaderAccessControlAllowMethods, corsMethods)
	h.Set(echo.HeaderAccessControlAllowHeaders, corsRequest)
	h.Set(echo.HeaderAccessControlMaxAge, seconds(a.Edge.CORSAge))
	return true
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
