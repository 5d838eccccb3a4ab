package display

import (
	"fmt"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Services is a table of replicas.
func Services(all []client.Service, now time.Time, color bool) []string {
	var rows [][]string
	for _, s := range all {
		for _, r := range s.Replicas {
			since := "-"
			if r.Since != nil {
				since = took(r.Since, nil, now)
			}
			rows = append(rows, []string{s.Name, r.ID, r.State, since, r.Version, r.Metadata["machine"], r.Metadata["zones"]})
		}
	}
	return table([]string{"SERVICE", "REPLICA", "STATE", "FOR", "VERSION", "MACHINE", "ZONES"}, rows, color)
}

// Replica says whether a replica answers, and is a table of what it has answered.
func Replica(r client.ReplicaActivity, now time.Time, color bool) []string {
	if !r.Answers {
		return []string{Clean(fmt.Sprintf("%s %s is %s, and does not answer.", r.Service, r.ID, r.State))}
	}
	lines := []string{Clean(fmt.Sprintf("%s %s is %s. It answered in %.1f ms and was started %s ago.", r.Service, r.ID, r.State, r.Ping, took(r.Started, nil, now)))}
	var rows [][]string
	for _, e := range r.Endpoints {
		rows = append(rows, []string{e.Subject, strconv.FormatInt(e.Answered, 10), strconv.FormatInt(e.UnderWay, 10), fmt.Sprintf("%.1f ms", e.Average)})
	}
	if rows == nil {
		return lines
	}
	lines = append(lines, "")
	return append(lines, table([]string{"SUBJECT", "ANSWERED", "UNDER WAY", "AVERAGE"}, rows, color)...)
}

// ServiceEvents is a table of how replicas came and went.
func ServiceEvents(all []client.ServiceEvent, color bool) []string {
	rows := make([][]string, 0, len(all))
	for _, e := range all {
		rows = append(rows, []string{e.At.Local().Format(time.DateTime), e.Service, e.Replica, e.State, e.Machine})
	}
	return table([]string{"TIME", "SERVICE", "REPLICA", "STATE", "MACHINE"}, rows, color)
}
