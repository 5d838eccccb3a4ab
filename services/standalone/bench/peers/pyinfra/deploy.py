"""Ships a release with pyinfra."""

import os

from pyinfra.operations import files, server

base, version = os.environ["SHIP_BASE"], os.environ["SHIP_VERSION"]
archive, release = f"/tmp/{version}.tar.gz", f"{base}/releases/{version}"

files.directory(name="The directory of the release is there", path=release)
files.put(name="The archive is on the host", src=os.environ["SHIP_ARCHIVE"], dest=archive)
server.shell(
    name="The archive is whole",
    commands=f"echo '{os.environ['SHIP_SHA256']}  {archive}' | sha256sum -c -",
)
server.shell(name="The release is unpacked", commands=f"tar -xzf {archive} -C {release} && rm {archive}")
server.shell(
    name="Current leads to the release",
    commands=f"cd {base} && ln -sfn releases/{version} current.new && mv -T current.new current",
)
