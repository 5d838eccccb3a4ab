package display

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Accepted says which deployment was made.
func Accepted(d client.Deployment) string {
	return Clean(fmt.Sprintf("Deployment %s: %s on %s.", d.ID, title(d), count(d.Targets, "host")))
}

// Summary says in one line how a deployment ended.
func Summary(d client.Deployment, color bool) string {
	l := line{mark(d.State), text(" "+title(d)+": ", bold)}
	l = append(l, tally(d.Counts)...)
	if d.EndedAt != nil {
		l = append(l, span{" in " + took(&d.AcceptedAt, d.EndedAt, *d.EndedAt), dim})
	}
	if d.State == client.Cancelled || d.State == client.Rejected {
		l = append(l, span{": " + string(d.State), yellow})
	}
	if why := why(d); why != "" {
		l = append(l, text(": "+why, plain))
	}
	return l.render(color)
}

// Failures is a table of the hosts that failed, and why; nothing where none did.
func Failures(targets []client.Target, color bool) []string {
	var rows [][]string
	for _, t := range targets {
		if t.State != client.Failed {
			continue
		}
		f := client.Failure{Code: "unknown", Reason: t.Note}
		if t.Failure != nil {
			f = *t.Failure
		}
		rows = append(rows, []string{t.Name, t.Step, f.Code, f.Reason})
	}
	if rows == nil {
		return nil
	}
	return table([]string{"FAILED HOST", "STEP", "CODE", "REASON"}, rows, color)
}

// Deployments is a table of deployments.
func Deployments(ds []client.Deployment, now time.Time, color bool) []string {
	rows := make([][]string, 0, len(ds))
	for _, d := range ds {
		rows = append(rows, []string{
			d.ID, d.Kind, title(d), string(d.State), tally(d.Counts).render(false),
			stamp(d.AcceptedAt), took(&d.AcceptedAt, d.EndedAt, now), d.Actor,
		})
	}
	return table([]string{"DEPLOYMENT", "KIND", "WHAT", "STATE", "HOSTS", "BEGAN", "TOOK", "BY"}, rows, color)
}

// Status is what is known of one deployment, and a table of its hosts.
func Status(d client.Deployment, targets []client.Target, now time.Time, color bool) []string {
	wave := ""
	if d.Waves > 1 {
		wave = fmt.Sprintf("%d of %d", d.Wave+1, d.Waves)
	}
	lines := fields([]field{
		{"Deployment", d.ID},
		{"Kind", d.Kind},
		{"Project", d.Project},
		{"Stage", d.Stage},
		{"Template", d.Template},
		{"Group", d.Group},
		{"What", title(d)},
		{"Path", d.Path},
		{"Rolls back", d.RollbackOf},
		{"Retry of", d.RetryOf},
		{"Batch", d.Batch},
		{"Strategy", d.Strategy},
		{"State", string(d.State)},
		{"Because", why(d)},
		{"Taken back", strings.Join(TakenBack(d), "")},
		{"Digest", d.Digest},
		{"Notes", notes(d.Metadata)},
		{"Hosts", tally(d.Counts).render(false)},
		{"Wave", wave},
		{"By", d.Actor},
		{"Began", stamp(d.AcceptedAt)},
		{"Took", took(&d.AcceptedAt, d.EndedAt, now)},
	})
	rows := make([][]string, 0, len(targets))
	for _, t := range targets {
		rows = append(rows, []string{
			t.Name, string(t.State), t.Step, took(t.StartedAt, t.EndedAt, now), stepTimes(t, now), said(t),
		})
	}
	if len(rows) == 0 {
		return lines
	}
	lines = append(lines, "")
	return append(lines, table([]string{"HOST", "STATE", "STEP", "TOOK", "STEPS", "RESULT"}, rows, color)...)
}

// notes are what was noted of a deployment, by name.
func notes(metadata map[string]string) string {
	all := make([]string, 0, len(metadata))
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		all = append(all, name+"="+metadata[name])
	}
	return strings.Join(all, ", ")
}

// stepTimes says how long each step took.
func stepTimes(t client.Target, now time.Time) string {
	parts := make([]string, 0, len(t.Steps))
	for _, s := range t.Steps {
		parts = append(parts, s.Step+" "+took(&s.StartedAt, s.EndedAt, now))
	}
	return strings.Join(parts, ", ")
}

// said is what there is to say of a host in a table.
func said(t client.Target) string {
	switch {
	case t.State == client.Running:
		return running(t)
	case t.State == client.Failed && t.Failure != nil:
		return t.Failure.Code + ": " + t.Failure.Reason
	default:
		return outcome(t)
	}
}

// Servers is a table of servers.
func Servers(servers []client.Server, color bool) []string {
	rows := make([][]string, 0, len(servers))
	for _, s := range servers {
		rows = append(rows, []string{s.Name, address(s), s.User, s.CredentialKind, trust(s), labels(s.Labels), s.ID})
	}
	return table([]string{"NAME", "ADDRESS", "USER", "LOGIN", "HOST KEY", "LABELS", "ID"}, rows, color)
}

// Server is what is known of one server; jump is the name of its jump host, if it has one.
func Server(s client.Server, jump string) []string {
	return fields([]field{
		{"Name", s.Name},
		{"ID", s.ID},
		{"Address", address(s)},
		{"User", s.User},
		{"Login", login(s)},
		{"Host key", trust(s)},
		{"Fingerprint", s.HostKeyFingerprint},
		{"Legacy", strings.Join(s.LegacyAlgorithms, ", ")},
		{"Jump host", jump},
		{"Labels", labels(s.Labels)},
		{"Added", stamp(s.CreatedAt)},
		{"Changed", stamp(s.UpdatedAt)},
	})
}

// login is what logs in, and until when.
func login(s client.Server) string {
	if s.CredentialExpires == nil {
		return s.CredentialKind
	}
	return s.CredentialKind + ", until " + stamp(*s.CredentialExpires)
}

// ImportedKeys tells what a known_hosts came to.
func ImportedKeys(i client.KnownHostsImported, color bool) []string {
	rows := make([][]string, 0, len(i.Servers))
	for _, s := range i.Servers {
		rows = append(rows, []string{s.Name, strings.ReplaceAll(s.Outcome, "_", " "), strings.Trim(fmt.Sprint(s.Lines), "[]")})
	}
	var told []string
	if len(rows) > 0 {
		told = table([]string{"NAME", "KEYS", "LINES"}, rows, color)
	}
	counts := fmt.Sprintf("%d added, %d replaced, %d unchanged, %d in conflict, %d with too many.", i.Added, i.Replaced, i.Unchanged, i.Conflicts, i.TooMany)
	if i.DryRun {
		counts = "Nothing was changed. It would be: " + counts
	}
	return append(told, counts)
}

// ImportedServers is what taking hosts over from a list came to.
func ImportedServers(i client.ServersImported, color bool) []string {
	var all []client.ImportedEntry
	for _, s := range i.Servers {
		all = append(all, s.ImportedEntry)
	}
	return imported("HOST", i.ImportCounts, i.Notes, all, color)
}

// ImportedApplications is what taking applications over from a list came to.
func ImportedApplications(i client.ApplicationsImported, color bool) []string {
	var all []client.ImportedEntry
	for _, a := range i.Applications {
		all = append(all, a.ImportedEntry)
	}
	return imported("APPLICATION", i.ImportCounts, nil, all, color)
}

func imported(what string, c client.ImportCounts, notes []string, all []client.ImportedEntry, color bool) []string {
	rows := make([][]string, 0, len(all))
	for _, e := range all {
		why := append([]string{}, e.Changes...)
		for _, wrong := range e.Errors {
			why = append(why, wrong.Field+" "+wrong.Message)
		}
		rows = append(rows, []string{fmt.Sprint(e.Line), e.Name, e.Outcome, strings.Join(append(why, e.Notes...), "; ")})
	}
	var told []string
	if len(rows) > 0 {
		told = table([]string{"LINE", "NAME", what, "WHAT"}, rows, color)
	}
	for _, note := range notes {
		told = append(told, "Of the list: "+note+".")
	}
	counts := fmt.Sprintf("%d created, %d changed, %d the same, %d skipped, %d failed.", c.Created, c.Changed, c.Same, c.Skipped, c.Failed)
	if c.DryRun {
		counts = "Nothing was changed. It would be: " + counts
	}
	return append(told, counts)
}

func address(s client.Server) string {
	if strings.Contains(s.Address, ":") {
		return fmt.Sprintf("[%s]:%d", s.Address, s.Port)
	}
	return fmt.Sprintf("%s:%d", s.Address, s.Port)
}

// trust says how the host is known to be the one that is meant.
func trust(s client.Server) string {
	switch {
	case s.HostKey != "":
		return "known"
	case s.HostCA != "":
		return "by an authority"
	case s.FirstContact:
		return "at first contact"
	default:
		return "missing"
	}
}

func labels(all map[string]string) string {
	parts := make([]string, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, key+"="+all[key])
	}
	return strings.Join(parts, ",")
}

// Packages is a table of packages.
func Packages(packages []client.Package, color bool) []string {
	rows := make([][]string, 0, len(packages))
	for _, p := range packages {
		size := Size(p.Size)
		if p.Size == 0 {
			size = "" // nobody has fetched it yet
		}
		rows = append(rows, []string{
			p.Project, p.Application, p.Version, p.Filename, p.Format, size, p.SHA256[:min(len(p.SHA256), 12)], stamp(p.CreatedAt), p.ID,
		})
	}
	return table([]string{"PROJECT", "APPLICATION", "VERSION", "FILE", "FORMAT", "SIZE", "SHA256", "STORED", "ID"}, rows, color)
}

// Releases is a table of what runs where.
func Releases(hosts []client.ServerReleases, color bool) []string {
	rows := make([][]string, 0, len(hosts))
	for _, h := range hosts {
		runs := h.Current
		if runs != "" && !h.Intact {
			runs += " (damaged)"
		}
		kept := make([]string, 0, len(h.Releases))
		for _, r := range h.Releases {
			kept = append(kept, r.Version)
		}
		problem := ""
		if h.Failure != nil {
			runs, problem = "?", h.Failure.Code+": "+h.Failure.Reason
		}
		rows = append(rows, []string{h.Name, runs, h.Previous, strings.Join(kept, ", "), problem})
	}
	return table([]string{"HOST", "RUNS", "BEFORE", "KEPT", "PROBLEM"}, rows, color)
}
