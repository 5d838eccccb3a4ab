"""The hosts, as SHIP_SSH_CONFIG describes them."""

import os

with open(os.environ["SHIP_HOSTS"]) as names:
    hosts = [
        (name.strip(), {"ssh_config_file": os.environ["SHIP_SSH_CONFIG"], "ssh_strict_host_key_checking": "yes"})
        for name in names
    ]
