package rule

import (
	"net/netip"
	"path"
	"regexp"
	"strings"
)

var (
	image      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$`)
	dockerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$`)
)

// Image is the name of an image in a registry. {{version}} in it stands for the version, once.
func Image(s string) string {
	if !image.MatchString(strings.Replace(s, "{{version}}", "1", 1)) {
		return "must be the name of an image, such as registry.example.net/shop:{{version}}, with {{version}} at most once"
	}
	return ""
}

// DockerName is what docker calls a network, a volume or a user.
func DockerName(s string) string {
	if !dockerName.MatchString(s) {
		return "must be a name: letters, digits, '_', '.', ':' and '-', beginning with a letter or a digit"
	}
	return ""
}

// ContainerVariable is the name of a variable of a container, which is given to it through docker's
// client: that takes some for itself, or has them load something.
func ContainerVariable(s string) string {
	if strings.HasPrefix(s, "DOCKER_") || strings.HasPrefix(s, "LD_") {
		return "is not for a container: docker itself would take it. Say it in the image"
	}
	return ""
}

// IP is an address of a host, not its name.
func IP(s string) string {
	if a, err := netip.ParseAddr(s); err != nil || a.Zone() != "" {
		return "must be an IP address"
	}
	return ""
}

// MountSource is a volume of docker, by its name, or what a host has, by its absolute path.
func MountSource(s string) string {
	if path.IsAbs(s) {
		return MountPath(s)
	}
	return DockerName(s)
}

// MountPath is an absolute path that docker takes among others.
func MountPath(s string) string {
	if strings.ContainsAny(s, `,"`) {
		return "must not hold ',' or '\"'"
	}
	return Absolute(s)
}

// Tree is a path below a release, or all of it: ".".
func Tree(s string) string {
	if s == "." {
		return ""
	}
	return Inside(s)
}
