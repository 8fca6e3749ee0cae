"""Settings of where secrets come from."""

from __future__ import annotations

import dataclasses

from config.env_values import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Secrets:
    """The part of :class:`config.env.Env` that names a secret store."""

    secrets_from: str = setting(
        "Where settings are looked for beside variables and files: nowhere, in Vault or OpenBao, "
        "or in AWS Secrets Manager. Variables and files win.",
        default="environment",
        choices=("environment", "vault", "aws"),
    )
    vault_url: str = setting("Address of Vault or OpenBao.", default="")
    vault_mount: str = setting("Where its KV version 2 engine is mounted.", default="secret")
    vault_path: str = setting(
        "Path of the secret there; its keys are names of settings.", default="strongroom"
    )
    vault_token: str = setting(
        "Token for Vault; the worker renews it. Or use a role.", default="", secret=True
    )
    vault_role_id: str = setting("AppRole to log in to Vault with.", default="")
    vault_secret_id: str = setting("The secret of that role.", default="", secret=True)
    vault_ca_file: str = setting(
        "Certificates that Vault's must be signed by. Empty: those of the system.", default=""
    )
    aws_secret_id: str = setting(
        "Name or ARN of the secret in AWS; a JSON object whose keys are names of settings. "
        "Credentials are found where AWS tools look for them.",
        default="",
    )
    aws_region: str = setting("Region of the secret in AWS.", default="")
    aws_endpoint_url: str = setting(
        "Address of Secrets Manager, where it is not the usual one of the region.", default=""
    )
