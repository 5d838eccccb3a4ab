package hostcmd

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	applicationForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	dockerWord      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$`)
)

// Application tells the containers of an application on a host, and what one of its
// deployments made there.
type Application struct {
	Base       string // the application path
	Name       string
	Deployment string
	StopWait   time.Duration // for a container to end by itself, in whole seconds
}

// Order says what comes first where a container takes the place of another.
type Order string

// Orders. With StopFirst, what both have for themselves (a port, say) is free for the new one.
const (
	StopFirst  Order = "stop_first"
	StartFirst Order = "start_first"
)

// Container is how the container of a release is to run.
type Container struct {
	Application
	Version string
	// Again takes the container that the release has on the host already, with all that it was
	// told then. Where there is none, one is made.
	Again       bool
	Order       Order
	Settle      time.Duration // how long it is to run, where it does not tell how it is; in whole seconds
	Unwatched   bool          // that it was started is enough, however it says it is
	Restart     string        // restart policy: no, on-failure or unless-stopped
	Network     string        // "": what docker does by default
	User        string        // "": that of the image
	Ports       []Port
	Mounts      []Mount
	Command     []string // "": that of the image
	Environment []Variable
}

// Port is one of the container's that the host has, too.
type Port struct {
	Address   string // of the host; "": all
	Host      int
	Container int
	Protocol  string // tcp or udp
}

// Mount is a directory or a file of the host, by its absolute path, or a volume of docker, by its
// name, that the container has.
type Mount struct {
	Source   string
	Target   string // absolute path in the container
	ReadOnly bool
}

// Replace has the container of a release run in the place of those that do, and waits until it is
// healthy, by the HEALTHCHECK of its image if that has one, unless nobody is to watch it. The Content comes on stdin.
// Those that ran are stopped at most. It is either followed by Settle or by BringBack. It fails with
// ErrUnhealthy, and with ErrCommand where docker fails.
func Replace(f Fence, c Container) (Command, error) {
	errs := []error{c.Application.check(), ValidateVersion(c.Version), c.check()}
	options := c.options()
	settle := seconds(c.Settle)
	if c.Unwatched {
		settle = "-"
	}
	args := append(c.args(), c.Version, yes(c.Again), string(c.Order), settle, c.Restart, strconv.Itoa(len(options)))
	command, err := f.command("replace", errors.Join(errs...), slices.Concat(args, options, c.Command)...)
	command.Size = int64(len(c.Content()))
	return command, err
}

// Content is the environment of the container in the form in which Replace reads it.
func (c Container) Content() string {
	var text strings.Builder
	for _, v := range c.Environment {
		text.WriteString("export " + v.Name + "=" + Quote(v.Value) + "\n")
	}
	return text.String() + "# whole\n"
}

// Settle says of the container that Replace started that it is good: it runs from now on, and those
// before it do not. They stay, stopped, with their releases.
func Settle(f Fence, a Application) (Command, error) {
	return f.command("settle", a.check(), a.args()...)
}

// BringBack undoes what Replace did, and the switch to this version for the deployment: what ran before
// runs again. Result: KeyCurrent, if anything is current then.
func BringBack(f Fence, a Application, version string) (Command, error) {
	return f.command("bring_back", errors.Join(a.check(), ValidateVersion(version)), append(a.args(), version)...)
}

// Sweep removes the containers and images that are ours and of releases that are not there any
// more, after Clean.
func Sweep(f Fence, a Application) (Command, error) {
	return f.command("sweep", a.check(), a.args()...)
}

func (a Application) args() []string {
	return []string{a.Base, a.Name, a.Deployment, seconds(a.StopWait)}
}

func (a Application) check() error {
	err := errors.Join(ValidateBase(a.Base), validateID("deployment", a.Deployment))
	if !applicationForm.MatchString(a.Name) {
		err = errors.Join(err, fmt.Errorf("%w name of an application, %q", ErrInvalid, cut(a.Name, 100)))
	}
	return err
}

// options is what docker is told by options, each of which is one word: a value never passes
// for an option.
func (c Container) options() []string {
	var options []string
	for name, value := range map[string]string{"network": c.Network, "user": c.User} {
		if value != "" {
			options = append(options, "--"+name+"="+value)
		}
	}
	slices.Sort(options)
	for _, p := range c.Ports {
		options = append(options, "--publish="+p.text())
	}
	for _, m := range c.Mounts {
		options = append(options, "--mount="+m.text())
	}
	for _, v := range c.Environment {
		options = append(options, "--env="+v.Name)
	}
	return options
}

func (p Port) text() string {
	address := p.Address
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	return strings.TrimPrefix(fmt.Sprintf("%s:%d:%d/%s", address, p.Host, p.Container, p.Protocol), ":")
}

func (m Mount) text() string {
	form := "type=volume"
	if path.IsAbs(m.Source) {
		form = "type=bind"
	}
	form += ",source=" + m.Source + ",target=" + m.Target
	if m.ReadOnly {
		form += ",readonly"
	}
	return form
}

func (c Container) check() error {
	invalid := func(what, value string) error {
		return fmt.Errorf("%w %s of a container, %q", ErrInvalid, what, cut(value, 100))
	}
	errs := []error{Task{Environment: c.Environment}.checkEnvironment()}
	for _, v := range c.Environment {
		if leadsDocker(v.Name) {
			errs = append(errs, invalid("variable in the environment", v.Name))
		}
	}
	if c.Order != StopFirst && c.Order != StartFirst {
		errs = append(errs, invalid("order", string(c.Order)))
	}
	if !slices.Contains([]string{"no", "on-failure", "unless-stopped"}, c.Restart) {
		errs = append(errs, invalid("restart policy", c.Restart))
	}
	for what, word := range map[string]string{"network": c.Network, "user": c.User} {
		if word != "" && !dockerWord.MatchString(word) {
			errs = append(errs, invalid(what, word))
		}
	}
	for _, p := range c.Ports {
		if p.Host < 1 || p.Host > 65535 || p.Container < 1 || p.Container > 65535 || p.Protocol != "tcp" && p.Protocol != "udp" ||
			p.Address != "" && !addressForm.MatchString(p.Address) {
			errs = append(errs, invalid("port", p.text()))
		}
	}
	for _, m := range c.Mounts {
		if !path.IsAbs(m.Source) && !dockerWord.MatchString(m.Source) || !path.IsAbs(m.Target) || strings.ContainsAny(m.Source+m.Target, ",\"\r\n\x00") {
			errs = append(errs, invalid("mount", m.text()))
		}
	}
	for _, word := range c.Command {
		errs = append(errs, validateText("command of a container", word))
	}
	return errors.Join(errs...)
}

var addressForm = regexp.MustCompile(`^[0-9A-Fa-f.:]{2,45}$`)

// leadsDocker says whether a variable tells the client of docker something, or has it load
// something: the environment of a container goes through the client's.
func leadsDocker(variable string) bool {
	return strings.HasPrefix(variable, "DOCKER_") || strings.HasPrefix(variable, "LD_")
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
