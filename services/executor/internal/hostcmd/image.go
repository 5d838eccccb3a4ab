package hostcmd

import (
	"errors"
	"fmt"
	"regexp"
)

// imageForm is the name of an image, with its registry, tag or digest.
var imageForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@{}-]{0,254}$`)

// DockerName is what Prepared calls Docker.
const DockerName = "docker"

// Image is where docker has the image of a release from.
type Image struct {
	From    string // build, load or pull
	Source  string // Dockerfile, or archive of docker save: path in the release; or the name that it is pulled by
	Context string // directory in the release that it is built of
}

// Docker is the image of a release, under a name of ours. In the name that it is pulled by,
// {{version}} stands for the version.
func Docker(i Image) Runtime {
	return Runtime{DockerName, []string{"docker", "image"}, []Variable{
		{"SLIPWAY_FROM", i.From}, {"SLIPWAY_SOURCE", i.Source}, {"SLIPWAY_CONTEXT", i.Context},
	}, i.check()}
}

func (i Image) check() error {
	switch i.From {
	case "build":
		return errors.Join(validateInside(i.Source), validateTree(i.Context))
	case "load":
		return validateTree(i.Source)
	case "pull":
		if !imageForm.MatchString(i.Source) {
			return fmt.Errorf("%w name of an image, %q", ErrInvalid, cut(i.Source, 100))
		}
		return nil
	}
	return fmt.Errorf("%w way to an image, %q", ErrInvalid, cut(i.From, 100))
}

// validateTree checks a path below a release, or the release itself.
func validateTree(p string) error {
	if p == "." {
		return nil
	}
	return validateInside(p)
}
