package client

import (
	"context"
	"iter"
	"strconv"
)

// ServerLog is the end of a log file on one server, read from it just now.
type ServerLog struct {
	Server  string   `json:"server"`
	Name    string   `json:"name"`
	Lines   []string `json:"lines"`
	Failure *Failure `json:"failure,omitempty"` // the file could not be read
}

// LogsQuery says which file of which servers is read.
type LogsQuery struct {
	ReleasesQuery
	File  string
	Lines int // at most
}

// logsPage is small, since the gateway connects to each server before it answers.
const logsPage = 20

// Logs reads from servers the end of a log file.
func (c *Client) Logs(ctx context.Context, q LogsQuery) iter.Seq2[ServerLog, error] {
	query := q.asked()
	query.Set("file", q.File)
	query.Set("lines", strconv.Itoa(q.Lines))
	return all[ServerLog](ctx, c, "/v1/logs", query, logsPage)
}
