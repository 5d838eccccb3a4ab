package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
)

// The statements are taken from FerretDB's own log, so that this fails, too, when another version asks differently.
func TestUpdateAndFindByIDUseTheIndexAndWouldScanWithout(t *testing.T) {
	s, sqlLog := startTraced(t)
	client, err := mongo.Connect(options.Client().ApplyURI(s.URI()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	c := client.Database("slipway").Collection("deployments")
	_, err = c.InsertOne(t.Context(), bson.M{"_id": "d1"})
	require.NoError(t, err)
	_, err = c.UpdateOne(t.Context(), bson.M{"_id": "d1"}, bson.M{"$set": bson.M{"n": 1}})
	require.NoError(t, err)

	update := sqlLog.statement(t, `UPDATE "deployments_`)
	find := sqlLog.statement(t, `SELECT  _ferretdb_sjson FROM "deployments_`)
	file := filepath.Join(s.cfg.Dir, "slipway.sqlite")
	require.Regexp(t, `^SCAN `, queryPlan(t, file, update), "with FerretDB's index alone")
	require.Regexp(t, `^SCAN `, queryPlan(t, file, find), "with FerretDB's index alone")

	require.NoError(t, s.EnsureIDIndex(t.Context(), "slipway", "deployments"))
	require.Regexp(t, `^SEARCH \S+ USING INDEX \S+_slipway_id `, queryPlan(t, file, update))
	require.Regexp(t, `^SEARCH \S+ USING INDEX \S+_slipway_id `, queryPlan(t, file, find))
}

func TestCollectionsThatExistAreIndexedAtTheNextStart(t *testing.T) {
	s, sqlLog := startTraced(t)
	client, err := mongo.Connect(options.Client().ApplyURI(s.URI()))
	require.NoError(t, err)
	c := client.Database("slipway").Collection("by history")
	_, err = c.ReplaceOne(t.Context(), bson.M{"_id": "d1"}, bson.M{"n": 1}, options.Replace().SetUpsert(true))
	require.NoError(t, err)
	_, err = c.ReplaceOne(t.Context(), bson.M{"_id": "d1"}, bson.M{"n": 2})
	require.NoError(t, err)
	require.NoError(t, client.Disconnect(context.Background()))
	update := sqlLog.statement(t, `UPDATE "by history_`)

	require.NoError(t, checkFiles(t.Context(), s.cfg.Dir))
	require.Contains(t, queryPlan(t, filepath.Join(s.cfg.Dir, "slipway.sqlite"), update), "_slipway_id")
}

// startTraced runs FerretDB as Store.Run does, but with its statements logged.
func startTraced(t *testing.T) (*Store, *statementLog) {
	t.Helper()
	s, err := New(Config{Dir: t.TempDir()})
	require.NoError(t, err)
	sqlLog := &statementLog{}
	db, err := s.open(slog.New(slog.NewTextHandler(sqlLog, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func(db *ferretdb.FerretDB) { _ = db.Run(ctx); close(stopped) }(db)
	t.Cleanup(func() { stop(); <-stopped })
	return s, sqlLog
}

// statementLog is what FerretDB logs.
type statementLog struct{ lifecycletest.Output }

var statementLine = regexp.MustCompile(`msg=">>> ((?:[^"\\]|\\.)*)"`)

// statement is the first logged statement with a prefix and a placeholder.
func (l *statementLog) statement(t *testing.T, prefix string) string {
	t.Helper()
	for _, m := range statementLine.FindAllStringSubmatch(l.String(), -1) {
		if q := strings.ReplaceAll(m[1], `\"`, `"`); strings.HasPrefix(q, prefix) && strings.Contains(q, "?") {
			return q
		}
	}
	require.FailNow(t, "FerretDB issued no such statement", "%s in:\n%s", prefix, l)
	return ""
}

// queryPlan explains a statement on a connection of its own: EXPLAIN does not notice an index that another connection
// has made since the last real statement.
func queryPlan(t *testing.T, file, statement string) string {
	t.Helper()
	db, err := openFile(file)
	require.NoError(t, err)
	defer db.Close()
	args := make([]any, strings.Count(statement, "?"))
	for i := range args {
		args[i] = `"d1"`
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	require.NoError(t, err)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	require.NoError(t, rows.Err())
	return strings.Join(plan, "\n")
}
