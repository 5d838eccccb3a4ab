package sync

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// logs are the files that are shown.
var logs = []string{"info.log", "warning.log", "error.log"}

// maxLines is how many lines of a log are shown at most.
const maxLines = 999

// place says to native queries where an application lies.
func place(project, language, directory string) url.Values {
	q := url.Values{"application": {project}, "profile": {language}}
	if directory != "" {
		q.Set("directory", directory)
	}
	return q
}

// currentVersion reads from servers which release runs there.
func currentVersion(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	rel := release{project: r.Said.Required("project_name"), language: r.Said.Required("language"), servers: r.Said.RequiredList("server_list")}
	rel.directory = readDirectory(r.Said, rel.language)
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	hosts, failed, err := on(ctx, r, rel.servers)
	if err != nil {
		return dialects.Reply{}, err
	}
	out := sorted{map[string]string{}, failed}
	held, err := rel.held(ctx, r, hosts)
	for _, h := range held {
		switch {
		case h.Failure != nil:
			hosts.Tell(out.Failed, h.Server, reason(h.Failure))
		case h.Current == "":
			hosts.Tell(out.Failed, h.Server, notDeployed)
		default:
			hosts.Tell(out.Succeed, h.Server, h.Current)
		}
	}
	return out.read(), err
}

// latestLog reads the end of a log from servers.
func latestLog(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, language, servers := r.Said.Required("project_name"), r.Said.Required("language"), r.Said.RequiredList("server_list")
	directory, file, lines := readDirectory(r.Said, language), r.Said.Required("logname"), r.Said.Number("line")
	if file != "" && !slices.Contains(logs, file) {
		r.Said.Wrong("logname", "只能是"+strings.Join(logs, ", "))
	}
	if lines < 1 || lines > maxLines {
		r.Said.Wrong("line", "必须是1到"+strconv.Itoa(maxLines))
	}
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	hosts, failed, err := on(ctx, r, servers)
	if err != nil {
		return dialects.Reply{}, err
	}
	out := sorted{map[string]string{}, failed}
	query := place(project, language, directory)
	query.Set("file", file)
	query.Set("lines", strconv.Itoa(lines))
	rows, err := dialects.Ask[dialects.Log](ctx, r, hosts, "GET /v1/logs", query)
	for _, row := range rows {
		if row.Failure != nil {
			hosts.Tell(out.Failed, row.Server, reason(row.Failure))
		} else {
			hosts.Tell(out.Succeed, row.Server, text(row.Lines))
		}
	}
	return out.read(), asSaid(err)
}

// text is lines as they stand in a file.
func text(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
