"""Which SFTP servers are spoken to: fsspec by itself trusts whatever key a server shows, so none is but by name."""

from __future__ import annotations

import os

import paramiko

from contract.errors import WarehouseError

SETTING = "WAREHOUSE_KNOWN_HOSTS"


class KnownHostsPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Only servers whose key stands in a file of known hosts (the form of OpenSSH) are spoken to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.keys = paramiko.HostKeys(path)

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Raise WarehouseError unless the key is the known one."""
        if not self.keys.check(hostname, key):
            raise WarehouseError(
                f"The SFTP server {hostname} shows a key ({key.get_name()}) that {self.path} does not name",
                remedy="Ask its keeper for the key and add it to that file (docs/landing.md); if it was there before, "
                "somebody may stand in between.",
            )


def read_known_hosts() -> KnownHostsPolicy:
    """Return the policy of the file that WAREHOUSE_KNOWN_HOSTS names. Errors: WarehouseError without one."""
    path = os.environ.get(SETTING)
    if not path:
        raise WarehouseError(
            f"The landing is behind SFTP, and {SETTING} does not say whose key is believed",
            remedy="Name a file in the form of OpenSSH's known_hosts (docs/landing.md).",
        )
    try:
        return KnownHostsPolicy(path)
    except OSError as error:
        raise WarehouseError(
            f"The known hosts cannot be read: {error}", remedy=f"Set {SETTING} to the file (docs/landing.md)."
        ) from error
