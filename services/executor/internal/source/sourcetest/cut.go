// Package sourcetest has what tests of sources need.
package sourcetest

import "net/http"

// Cut is an answer that breaks off: after so many bytes of its body, the connection is
// gone.
func Cut(w http.ResponseWriter, after int) http.ResponseWriter { return &cut{w, after} }

type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) >= c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap implements what http.ResponseController asks for.
func (c *cut) Unwrap() http.ResponseWriter { return c.ResponseWriter }
