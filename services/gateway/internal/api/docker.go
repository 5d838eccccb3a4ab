package api

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxPorts   = 50 // and as many mounts
	maxWords   = 50 // of a command
	defaultEnd = 10 * time.Second
	// defaultSettle is how long a container is to run that does not tell how it is.
	defaultSettle = 5 * time.Second
	hostNetwork   = "host"
)

// readDocker takes what an application of docker is; nil where there is none.
func readDocker(parent *field.Object, kind string) *contract.Docker {
	o, ok := parent.Object("docker")
	if !ok {
		if kind != contract.RuntimeDocker || parent.Given("docker") && !parent.Null("docker") {
			return nil
		}
		return &contract.Docker{
			Replace: contract.ReplaceStartFirst, Restart: "unless-stopped",
			Settle: defaultSettle.Milliseconds(), Stop: defaultEnd.Milliseconds(),
		}
	}
	d := contract.Docker{
		Dockerfile: mayHold(o, "dockerfile", rule.Inside), Context: mayHold(o, "context", rule.Tree),
		Archive: mayHold(o, "archive", rule.Tree), Pull: mayHold(o, "pull", rule.Image),
		Network: mayHold(o, "network", rule.DockerName), User: mayHold(o, "user", rule.DockerName),
		Ports: readPorts(o), Mounts: readMounts(o), Command: readWords(o),
		Settle: readSeconds(o, "settle", defaultSettle), Stop: readSeconds(o, "stop", defaultEnd),
		Restart: "unless-stopped",
	}
	if restart, given := o.OneOf("restart", "unless-stopped", "on-failure", "no"); given {
		d.Restart = restart
	}
	if o.Given("dockerfile") && o.Given("archive") || o.Given("dockerfile") && o.Given("pull") || o.Given("archive") && o.Given("pull") {
		o.Check("dockerfile", "must be there, or archive, or pull: one of them, or none")
	}
	if o.Given("context") && (o.Given("archive") || o.Given("pull")) {
		o.Check("context", "is for a Dockerfile alone")
	}
	d.Replace = readReplace(o, d)
	o.End()
	return &d
}

// readReplace takes what comes first. Where both containers would want the same for themselves,
// it is the end of the one that runs.
func readReplace(o *field.Object, d contract.Docker) string {
	order, given := o.OneOf("replace", contract.ReplaceStopFirst, contract.ReplaceStartFirst)
	switch {
	case given && order == contract.ReplaceStartFirst && len(d.Ports) > 0:
		o.Check("replace", "cannot be start_first where there are ports: both containers would have them")
		return order
	case given:
		return order
	case len(d.Ports) > 0 || d.Network == hostNetwork:
		return contract.ReplaceStopFirst
	}
	return contract.ReplaceStartFirst
}

func readPorts(parent *field.Object) []contract.Port {
	all, _ := parent.Objects("ports")
	if len(all) > maxPorts {
		parent.Check("ports", fmt.Sprintf("must be at most %d", maxPorts))
		return nil
	}
	var ports []contract.Port
	for _, o := range all {
		p := contract.Port{Address: mayHold(o, "address", rule.IP), Protocol: "tcp"}
		p.Host, p.Container = mustBePort(o, "host"), mustBePort(o, "container")
		if protocol, given := o.OneOf("protocol", "tcp", "udp"); given {
			p.Protocol = protocol
		}
		o.End()
		ports = append(ports, p)
	}
	return ports
}

func mustBePort(o *field.Object, name string) int {
	port, given := o.Int(name, 1, 65535)
	if !given && (!o.Given(name) || o.Null(name)) {
		o.Check(name, "is required")
	}
	return port
}

func readMounts(parent *field.Object) []contract.Mount {
	all, _ := parent.Objects("mounts")
	if len(all) > maxPorts {
		parent.Check("mounts", fmt.Sprintf("must be at most %d", maxPorts))
		return nil
	}
	var mounts []contract.Mount
	for _, o := range all {
		m := contract.Mount{Source: mustHold(o, "source", rule.MountSource), Target: mustHold(o, "target", rule.MountPath)}
		m.ReadOnly, _ = o.Bool("read_only")
		o.End()
		mounts = append(mounts, m)
	}
	return mounts
}

func readWords(o *field.Object) []string {
	words, _ := o.Texts("command")
	size := 0
	for i, word := range words {
		o.Check(fmt.Sprintf("command[%d]", i), rule.Value(word))
		size += len(word)
	}
	if len(words) > maxWords || size > 4<<10 {
		o.Check("command", fmt.Sprintf("must be at most %d words, and 4 KiB together", maxWords))
	}
	return words
}

// readSeconds takes a time in whole seconds, which is how docker counts them; it comes in milliseconds.
func readSeconds(o *field.Object, name string, otherwise time.Duration) int64 {
	if _, given := o.Text(name); !given {
		return otherwise.Milliseconds()
	}
	ms := readMilliseconds(o, name)
	if ms%1000 != 0 || ms > time.Hour.Milliseconds() {
		o.Check(name, "must be whole seconds, at most an hour")
	}
	return ms
}

// checkDocker refuses what does not go together with a container.
func checkDocker(o *field.Object, w contract.Work) {
	if w.Runtime == nil || w.Runtime.Docker == nil {
		return
	}
	if w.Runtime.Kind == contract.RuntimeDocker && w.Restart != nil {
		o.Check("restart", "is not for an application of kind docker: its container is replaced")
	}
	for _, v := range w.Environment {
		o.Check("environment."+v.Name, rule.ContainerVariable(v.Name))
	}
	for _, v := range w.Secrets {
		o.Check("secrets."+v.Name, rule.ContainerVariable(v.Name))
	}
}
