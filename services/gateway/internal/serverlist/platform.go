package serverlist

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
)

// platformTable is what platform calls the table of its servers.
const platformTable = "servers"

// platformSpellings is what its columns are called by versions of it, and by those who
// export them.
var platformSpellings = map[string]string{
	"ip": "host", "address": "host", "ip_address": "host", "hostname": "host", "ssh_port": "port", "user": "username", "ssh_user": "username",
	"auth_method": "auth_type", "ssh_password": "password", "ssh_key": "private_key", "key": "private_key", "env": "environment", "groups": "tags", "labels": "tags",
}

// platformColumns are those that are taken over, those first that there must be.
var platformColumns = []string{"name", "host", "id", "port", "username", "password", "private_key", "auth_type", "passphrase", "environment", "tags", "deleted_at"}

const (
	platformMust = 2 // of the columns
	platformMay  = 7 // whose absence is worth a note

	maxNumber = 1<<31 - 1 // the numbers that are given go on behind the greatest one
)

// parsePlatform reads the servers of platform, from CSV or a dump in SQL.
func parsePlatform(text string) (List, []Bad) {
	t, bad := table.Read(text, platformTable)
	t = t.Plain(platformSpellings, "password", "passphrase")
	if len(t.Columns) == 0 { // that is told
		return List{}, bad
	}
	var (
		l             List
		lacking, more []string
	)
	for i, column := range platformColumns[:platformMay] {
		switch there := slices.Contains(t.Columns, column); {
		case there:
		case i < platformMust:
			bad = append(bad, Bad{Line: 1, Field: column, Message: "is not among the columns"})
		default:
			lacking = append(lacking, column)
		}
	}
	for _, column := range t.Columns {
		if !slices.Contains(platformColumns, column) {
			more = append(more, column)
		}
	}
	if len(lacking) > 0 {
		l.Notes = append(l.Notes, "there is no column "+strings.Join(lacking, ", "))
	}
	if len(more) > 0 {
		l.Notes = append(l.Notes, "not taken over: "+strings.Join(more, ", "))
	}
	numbered := map[uint64]int{}
	for _, row := range t.Rows {
		e, wrong := platformEntry(row)
		e.Groups = slices.Contains(t.Columns, "tags")
		if line, twice := numbered[e.Number]; twice && e.Number != 0 {
			wrong = append(wrong, Bad{Line: row.Line, Field: "id", Message: fmt.Sprintf("%d is that of line %d, too", e.Number, line)})
		}
		numbered[e.Number] = row.Line
		l.Entries, bad = append(l.Entries, e), append(bad, wrong...)
	}
	return l, bad
}

func platformEntry(row table.Row) (Entry, []Bad) {
	is := row.Cells
	e := Entry{Line: row.Line, Name: is["name"], Fields: map[string]any{}, Labels: map[string]string{}}
	var bad []Bad
	if is["deleted_at"] != "" {
		e.Skip = "deleted_at says that it is gone"
		return e, nil
	}
	if e.Name == "" {
		bad = append(bad, Bad{Line: row.Line, Field: "name", Message: "is required"})
	}
	if id := is["id"]; id != "" {
		number, err := strconv.ParseUint(id, 10, 64)
		if err != nil || number == 0 || number > maxNumber {
			bad = append(bad, Bad{Line: row.Line, Field: "id", Message: fmt.Sprintf("must be a whole number from 1 to %d", maxNumber)})
			number = 0
		}
		e.Number = number
	}
	e.set("address", is["host"])
	if is["port"] != "" {
		e.setPort(is["port"])
	}
	e.set("user", is["username"])
	if env := is["environment"]; env != "" {
		e.Labels[environmentLabel] = env
	}
	for tag := range strings.FieldsFuncSeq(is["tags"], func(r rune) bool { return strings.ContainsRune(",;[]{}\"' \t", r) }) {
		e.group(tag)
	}
	e.platformCredential(is)
	return e, bad
}

// platformCredential takes the password, the private key or both, as the row says that
// the host is logged in to.
func (e *Entry) platformCredential(is map[string]string) {
	how := strings.ToLower(is["auth_type"])
	given := map[string]string{}
	for name, hint := range map[string]string{"password": "pass", "private_key": "key"} {
		wanted := !strings.Contains(how, "pass") && !strings.Contains(how, "key") || strings.Contains(how, hint)
		if secret := is[name]; wanted && secret != "" {
			given[name] = secret
		}
	}
	if key := given["private_key"]; strings.HasPrefix(key, "/") || strings.HasPrefix(key, "~") {
		e.Notes = append(e.Notes, "private_key is the path of a file, which is not opened: give it to the server")
		delete(given, "private_key")
	}
	if given["private_key"] != "" && is["passphrase"] != "" {
		given["passphrase"] = is["passphrase"]
	}
	if len(given) > 0 {
		e.Fields["credential"] = given
	}
}
