package rextable

import (
	"slices"

	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
)

// Name is what the original calls the table.
const Name = "pre_server_detail"

// spellings is what columns are called that exports, or the original, spell in their own way.
var spellings = map[string]string{"is_deloy_dir": "is_deploy_dir", "auto_deloy": "auto_deploy", "server": "server_name", "env": "environment"}

// Read reads the rows from a dump in SQL, or CSV. Each of these columns must be there.
func Read(text string, must ...string) ([]table.Row, []table.Bad) {
	read, bad := table.Read(text, Name)
	read = read.Plain(spellings)
	if len(read.Columns) == 0 { // that is told
		return nil, bad
	}
	for _, column := range must {
		if !slices.Contains(read.Columns, column) {
			bad = append(bad, table.Bad{Line: 1, Field: column, Message: "is not among the columns"})
		}
	}
	return read.Rows, bad
}
