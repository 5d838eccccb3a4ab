"""Ships a release with Fabric."""

import os

from fabric import Config, Connection, ThreadingGroup, task
from paramiko import RejectPolicy


class Known(Connection):
    """Connects to hosts of known keys alone; Fabric takes any by itself."""

    def open(self):
        self.client.load_host_keys(self.ssh_config["userknownhostsfile"])
        self.client.set_missing_host_key_policy(RejectPolicy())
        return super().open()


@task
def ship(_):
    base, version = os.environ["SHIP_BASE"], os.environ["SHIP_VERSION"]
    archive, release = f"/tmp/{version}.tar.gz", f"{base}/releases/{version}"
    config = Config(runtime_ssh_path=os.environ["SHIP_SSH_CONFIG"], overrides={"run": {"hide": True}})
    with open(os.environ["SHIP_HOSTS"]) as names:
        hosts = ThreadingGroup.from_connections(Known(name.strip(), config=config) for name in names)

    hosts.put(os.environ["SHIP_ARCHIVE"], archive)
    hosts.run(
        f"echo '{os.environ['SHIP_SHA256']}  {archive}' | sha256sum -c - && "
        f"mkdir -p {release} && tar -xzf {archive} -C {release} && rm {archive} && "
        f"cd {base} && ln -sfn releases/{version} current.new && mv -T current.new current"
    )
