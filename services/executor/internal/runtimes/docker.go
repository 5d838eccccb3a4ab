package runtimes

import (
	"cmp"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// docker is an image, which is made before the switch, and a container of it, which takes the
// place of the one that runs.
func docker(r contract.Runtime) Runtime {
	d := orZero(r.Docker)
	c := hostcmd.Container{
		Application: hostcmd.Application{StopWait: time.Duration(d.Stop) * time.Millisecond},
		Order:       hostcmd.Order(d.Replace), Settle: time.Duration(d.Settle) * time.Millisecond, Restart: d.Restart,
		Network: d.Network, User: d.User, Command: d.Command,
	}
	for _, p := range d.Ports {
		c.Ports = append(c.Ports, hostcmd.Port(p))
	}
	for _, m := range d.Mounts {
		c.Mounts = append(c.Mounts, hostcmd.Mount(m))
	}
	return Runtime{Prepare: []hostcmd.Runtime{hostcmd.Docker(image(d))}, Container: &c}
}

func image(d contract.Docker) hostcmd.Image {
	switch {
	case d.Archive != "":
		return hostcmd.Image{From: "load", Source: d.Archive}
	case d.Pull != "":
		return hostcmd.Image{From: "pull", Source: d.Pull}
	}
	return hostcmd.Image{From: "build", Source: cmp.Or(d.Dockerfile, "Dockerfile"), Context: cmp.Or(d.Context, ".")}
}
