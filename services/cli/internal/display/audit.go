package display

import (
	"fmt"
	"strconv"

	"github.com/slipway-deploy/slipway/libs/audit"
)

// Audit is a table of entries of the audit log.
func Audit(entries []audit.Entry, color bool) []string {
	rows := make([][]string, 0, len(entries))
	for _, e := range entries {
		who := ""
		if e.Actor != nil {
			who = e.Actor.Name
		}
		rows = append(rows, []string{strconv.FormatUint(e.Seq, 10), stamp(e.Time), who, e.Remote, e.Action, about(e), became(e)})
	}
	return table([]string{"ENTRY", "TIME", "ACTOR", "FROM", "ACTION", "ABOUT", "OUTCOME"}, rows, color)
}

func about(e audit.Entry) string {
	text := ""
	if e.Object != nil {
		if text = e.Object.Kind; e.Object.ID != "" {
			text += " " + e.Object.ID
		}
	}
	if e.Made != "" {
		text += " → " + e.Made
	}
	return text
}

// became is what became of a call.
func became(e audit.Entry) string {
	text := string(e.Outcome)
	if e.Status > 0 {
		text += " " + strconv.Itoa(e.Status)
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Asked > 0 {
		text += fmt.Sprintf(", asked in %d", e.Asked)
	}
	if e.Repeat {
		text += ", a repeat"
	}
	if e.Count > 0 {
		text += ", " + count(e.Count, "call")
	}
	return text
}

// Verified says whether the audit log is whole.
func Verified(r audit.Result) []string {
	whole := fields([]field{{"Entries", strconv.FormatUint(r.Entries, 10)}, {"Head", r.Head.String()}})
	if r.Flaw == nil {
		return append([]string{"The audit log is whole."}, whole...)
	}
	return append([]string{Clean("The audit log is not as it was written: " + r.Flaw.Reason + "."), "What is before that is whole:"}, whole...)
}
