package archive

import (
	"fmt"
	"strings"
)

// reserved is the name that Slipway keeps to itself at the top of a release.
const reserved = ".slipway"

// maxComponent is what common file systems take as one name, in bytes.
const maxComponent = 255

// cleanName checks the name of an entry and returns it without "./", doubled
// and trailing slashes. The root of the package comes back as "".
func cleanName(raw string, maxPath int) (string, error) {
	if raw == "" {
		return "", fmt.Errorf("%w: an entry without a name", ErrName)
	}
	if why := unsafe(raw); why != "" {
		return "", fmt.Errorf("%w: %q %s", ErrName, short(raw), why)
	}
	var parts []string
	for part := range strings.SplitSeq(raw, "/") {
		switch {
		case part == "" || part == ".":
			continue
		case part == "..":
			return "", fmt.Errorf("%w: %q holds %q", ErrName, short(raw), "..")
		case len(part) > maxComponent:
			return "", fmt.Errorf("%w: a name of %d bytes in %q, %d are allowed",
				ErrTooLong, len(part), short(raw), maxComponent)
		}
		parts = append(parts, part)
	}
	if len(parts) > 0 && parts[0] == reserved {
		return "", fmt.Errorf("%w: %q, %s at the top is reserved", ErrName, short(raw), reserved)
	}
	name := strings.Join(parts, "/")
	if len(name) > maxPath {
		return "", fmt.Errorf("%w: %q has %d bytes, %d are allowed", ErrTooLong, short(raw), len(name), maxPath)
	}
	return name, nil
}

// checkTarget checks where the symbolic link at name leads.
//
// ".." is allowed at the start of a target alone. From there on the target
// only descends, and each link that it may pass through obeys the same rule, so
// that no chain of links leads out, whatever the order of entries. For the
// leading part plain counting is exact, as no link has entries below it.
func checkTarget(name, target string, maxPath int) error {
	refuse := func(why string) error {
		return fmt.Errorf("%w: %q -> %q %s", ErrLink, short(name), short(target), why)
	}
	if target == "" {
		return refuse("is empty")
	}
	if len(target) > maxPath {
		return fmt.Errorf("%w: the target of %q has %d bytes, %d are allowed", ErrTooLong, short(name), len(target), maxPath)
	}
	if why := unsafe(target); why != "" {
		return refuse(why)
	}
	depth, descending := strings.Count(name, "/"), false
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if descending {
				return refuse(`holds ".." after a name, where another link can lead it astray`)
			}
			if depth--; depth < 0 {
				return refuse("leads out of the package")
			}
		default:
			descending = true
		}
	}
	return nil
}

// unsafe says what is wrong with a path whatever it is used for, or "".
//
// A backslash is an ordinary character on a host and occurs in good packages
// (systemd's escaped unit names), so it is refused only where reading it as a
// separator, as the archive's author may have meant it, would lead elsewhere.
func unsafe(path string) string {
	switch {
	case strings.ContainsRune(path, 0):
		return "holds a NUL"
	case path[0] == '/':
		return "is absolute"
	case !strings.Contains(path, `\`):
		return ""
	}
	windows := strings.ReplaceAll(path, `\`, "/")
	switch {
	case windows[0] == '/' || len(windows) > 2 && windows[1] == ':' && windows[2] == '/':
		return "is an absolute Windows path"
	case strings.Contains("/"+windows+"/", "/../"):
		return `holds ".." behind a backslash`
	}
	return ""
}

// short cuts a name for a message.
func short(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return name[:most] + "…"
}
