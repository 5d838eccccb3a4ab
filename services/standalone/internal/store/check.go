package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
)

// fileExtension is FerretDB's: one file a database.
const fileExtension = ".sqlite"

// moveAway is the way out of a damaged file. The store is a read model, so there is one.
const moveAway = "move the file away together with its -wal and -shm files and start again: " +
	"documents are rebuilt from the event stream, as far back as that is kept"

// checkFiles looks at each database before FerretDB opens it: a damaged one is refused, what a killed process left half
// done is cleared, and each collection gets its index. The directory must be claimed.
func checkFiles(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != fileExtension {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		if err := checkFile(ctx, file); err != nil {
			return fileError(file, err)
		}
	}
	return nil
}

func checkFile(ctx context.Context, file string) error {
	if err := checkWritable(file); err != nil {
		return err
	}
	db, err := openFile(file)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // it was read alone
	if err := checkIntegrity(ctx, db); err != nil {
		return err
	}
	empty, err := repair(ctx, db)
	if err != nil {
		return err
	}
	if empty {
		return removeEmpty(db, file)
	}
	entries, err := readCatalogue(ctx, db)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := indexByID(ctx, db, e.table); err != nil {
			return err
		}
	}
	return nil
}

// checkIntegrity reads the whole file once, but does not compare indexes with their tables.
func checkIntegrity(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// checkWritable asks for what SQLite does not say: it opens a file that it may only read without a word.
func checkWritable(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// repair clears what a process left that died while it made or dropped a collection. FerretDB takes several
// transactions for either and does not look back: a table without an entry in the catalogue makes each later attempt to
// make that collection fail, and a file without a catalogue keeps it from starting.
//
// It reports whether nothing at all is in the file.
func repair(ctx context.Context, db *sql.DB) (empty bool, err error) {
	tables, err := listTables(ctx, db)
	if err != nil || len(tables) == 0 {
		return err == nil, err
	}
	if !slices.Contains(tables, catalogue) {
		return false, fmt.Errorf("%w: it is a database of something else", ErrDamaged)
	}
	entries, err := readCatalogue(ctx, db)
	if err != nil {
		return false, err
	}
	known := []string{catalogue}
	for _, e := range entries {
		if e.complete {
			known = append(known, e.table)
			continue
		}
		if _, err := db.ExecContext(ctx, `DELETE FROM `+catalogue+` WHERE name = ?`, e.collection); err != nil {
			return false, err
		}
	}
	for _, table := range tables {
		if slices.Contains(known, table) {
			continue
		}
		if _, err := db.ExecContext(ctx, `DROP TABLE `+quoteName(table)); err != nil {
			return false, err
		}
	}
	return false, nil
}

func listTables(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		tables = append(tables, name)
	}
	return tables, rows.Err()
}

func removeEmpty(db *sql.DB, file string) error {
	if err := db.Close(); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Remove(file + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// openFile opens an existing database file with one connection. The settings that make it work beside FerretDB's
// connections are in the file (WAL) or are the time to wait for their locks.
func openFile(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// fileError says what a failure to open or check a database file means and what to do about it.
func fileError(file string, err error) error {
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%q: %w: %s", file, err, moveAway)
	}
	if errors.Is(err, os.ErrPermission) {
		return notWritable(file, err)
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return fmt.Errorf("%q: %w", file, err)
	}
	switch se.Code() & 0xff { // the low byte is the primary code
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%q: %w (%w): %s", file, ErrDamaged, err, moveAway)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return notWritable(file, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%q: %w (%w): free space on its disk", file, datadir.ErrNotWritable, err)
	default:
		return fmt.Errorf("%q: %w", file, err)
	}
}

func notWritable(file string, cause error) error {
	return fmt.Errorf("%q: %w (%w): give the file, those beside it and their directory to uid %d",
		file, datadir.ErrNotWritable, cause, os.Getuid())
}
