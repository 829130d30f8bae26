"""Which SFTP servers are spoken to: fsspec by itself trusts whatever key a server shows."""

from __future__ import annotations

import paramiko


class KnownHostsPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Only servers whose key stands in a file of known hosts (the form of OpenSSH) are spoken to."""

    def __init__(self, path: str) -> None:
        self.keys = paramiko.HostKeys(path)

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Raise SSHException unless the key is the known one."""
        if not self.keys.check(hostname, key):
            raise paramiko.SSHException(f"the key of {hostname} is not among the known hosts")
