package broker

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// wayOut is the advice for a damaged stream. Unlike the store's documents, its messages exist nowhere else.
const wayOut = "bring the directory back from a backup; or move it away and start again, and then what it held is gone"

// checkStreams refuses what the server lets pass with a warning: a stream that it cannot recover is simply not there
// afterwards, and whoever then makes sure of his streams makes an empty one over the old messages.
//
// A directory without messages is no damage: a process that was killed while it made a stream leaves one.
func checkStreams(srv *server.Server, dir string, warnings []string) error {
	info, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return fmt.Errorf("list recovered streams: %w", err)
	}
	recovered := map[string]bool{}
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			recovered[filepath.Join(account.Name, stream.Name)] = true
		}
	}
	for _, path := range streamDirs(dir) {
		account, name := filepath.Base(filepath.Dir(filepath.Dir(path))), filepath.Base(path)
		if !recovered[filepath.Join(account, name)] && holdsMessages(path) {
			return fmt.Errorf("%q: %w (%s): %s", path, ErrDamaged, reasonFor(name, path, warnings), wayOut)
		}
	}
	return nil
}

// blocks are the files that hold messages, as they are at one moment.
type blocks map[string]fs.FileInfo

func listBlocks(dir string) blocks {
	found := blocks{}
	for _, stream := range streamDirs(dir) {
		messages := filepath.Join(stream, "msgs")
		for _, name := range children(messages) {
			if filepath.Ext(name) != ".blk" {
				continue
			}
			path := filepath.Join(messages, name)
			if info, err := os.Stat(path); err == nil {
				found[path] = info
			}
		}
	}
	return found
}

// warnOfCuts tells of blocks that the server cut off where it could not read on, which it does without a word. What it
// shortens for other reasons it writes anew, so a shorter file that is still the same was cut. It can go on without, as
// after a power cut, and what is cut off is gone, so this is no reason not to start.
func warnOfCuts(before, after blocks, log *serverLog) {
	for path, old := range before {
		now, ok := after[path]
		if !ok || !os.SameFile(old, now) || now.Size() >= old.Size() {
			continue
		}
		log.log.Error().Str("file", path).Int64("bytes", old.Size()-now.Size()).
			Msg("the end of a stream's file was damaged and its messages are lost: after a power cut the last ones can be, " +
				"see sync_always; otherwise check the disk. Look at the last deployments and repeat what is missing")
	}
}

// streamDirs lists <dir>/jetstream/<account>/streams/<stream>, without what is being deleted, which a dot marks.
func streamDirs(dir string) []string {
	var dirs []string
	root := filepath.Join(dir, "jetstream")
	for _, account := range children(root) {
		streams := filepath.Join(root, account, "streams")
		for _, stream := range children(streams) {
			if !strings.HasPrefix(stream, ".") {
				dirs = append(dirs, filepath.Join(streams, stream))
			}
		}
	}
	return dirs
}

// children names what is in a directory; nothing if there is no such directory.
func children(dir string) []string {
	entries, _ := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func holdsMessages(streamDir string) bool {
	for _, name := range children(filepath.Join(streamDir, "msgs")) {
		info, err := os.Stat(filepath.Join(streamDir, "msgs", name))
		if err == nil && info.Size() > 0 && filepath.Ext(name) == ".blk" {
			return true
		}
	}
	return false
}

// reasonFor picks the server's warning about a stream.
func reasonFor(name, path string, warnings []string) string {
	for _, w := range warnings {
		if strings.Contains(w, path) || strings.Contains(w, fmt.Sprintf("%q", name)) {
			return w
		}
	}
	return "the server gives no reason"
}
