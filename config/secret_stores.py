"""Secret stores: Vault (or OpenBao) and AWS Secrets Manager, read at start and at each reload.

A store holds one secret whose keys are names of settings. Their clients are optional: they are
imported only where a store is named (``requirements-secrets.txt``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from config.env_secrets import Secrets
from config.env_values import parse, raw_value
from core import optional

CONNECT_TIMEOUT_S: Final = 3
READ_TIMEOUT_S: Final = 5


class StoreUnavailable(Exception):
    """The store did not give its secret; the message says why, and holds no secret."""


_imported: Final = functools.partial(optional.imported, otherwise=StoreUnavailable)


class Store(Protocol):
    """Where settings can be read beside the environment."""

    name: str

    def read(self) -> dict[str, str]:
        """Return the settings it holds, by name; :class:`StoreUnavailable` says why not."""

    def renew(self) -> None:
        """Let what opens the store live on, if it would end; the same."""


def named(environ: Mapping[str, str]) -> Store | None:
    """Return the store that ``SECRETS_FROM`` names, if it names one.

    Raises:
        StoreUnavailable: something that it needs is not said.
    """
    problems: list[str] = []
    given = {}
    for field in dataclasses.fields(Secrets):
        raw = raw_value(environ, field.name.upper(), problems)
        if raw is not None:
            with _as_problem(problems, field.name.upper()):
                given[field.name] = parse(field, raw)
    wishes = Secrets(**given)  # type: ignore[arg-type]  # parse returns what each field is of
    needed = {
        "vault": ("vault_url",),
        "aws": ("aws_secret_id", "aws_region"),
    }.get(wishes.secrets_from, ())
    problems += [f"{n.upper()} is required" for n in needed if not getattr(wishes, n)]
    if wishes.secrets_from == "vault" and not (
        wishes.vault_token or (wishes.vault_role_id and wishes.vault_secret_id)
    ):
        problems.append("VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, are required")
    if problems:
        raise StoreUnavailable("; ".join(problems))
    if wishes.secrets_from == "environment":
        return None
    return Vault(wishes) if wishes.secrets_from == "vault" else Aws(wishes)


@contextlib.contextmanager
def _as_problem(problems: list[str], name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as exc:
        problems.append(f"{name} {exc}")


def fingerprint(secrets: Mapping[str, str]) -> str:
    """Return what tells two readings of a store apart and says nothing of either."""
    return hashlib.sha256(json.dumps(secrets, sort_keys=True).encode()).hexdigest()


class Vault:
    """KV version 2 of HashiCorp Vault or OpenBao, opened by a token or an AppRole."""

    def __init__(self, wishes: Secrets) -> None:
        self._wishes = wishes
        self.name = f"vault {wishes.vault_mount}/{wishes.vault_path}"

    def read(self) -> dict[str, str]:
        """Read the secret. A role logs in, and out again: its token outlives nothing."""
        with self._opened() as client:
            found = client.secrets.kv.v2.read_secret_version(
                path=self._wishes.vault_path,
                mount_point=self._wishes.vault_mount,
                raise_on_deleted_version=True,
            )
            return _texts(found["data"]["data"])

    def renew(self) -> None:
        """Let the given token live on for another of its lives; a role needs none."""
        if not self._wishes.vault_role_id:
            with self._opened() as client:
                client.auth.token.renew_self()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        hvac, requests = _imported("hvac"), _imported("requests")
        wishes = self._wishes
        client = hvac.Client(
            url=wishes.vault_url,
            token=wishes.vault_token or None,
            verify=wishes.vault_ca_file or True,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )
        try:
            if wishes.vault_role_id:
                client.auth.approle.login(wishes.vault_role_id, wishes.vault_secret_id)
            yield client
            if wishes.vault_role_id:
                client.auth.token.revoke_self()
        except requests.exceptions.RequestException as exc:
            raise StoreUnavailable(f"Vault at {wishes.vault_url} does not answer.") from exc
        except hvac.exceptions.InvalidPath as exc:
            raise StoreUnavailable(f"There is no secret at {self.name}.") from exc
        except (hvac.exceptions.Forbidden, hvac.exceptions.InvalidRequest) as exc:
            raise StoreUnavailable(
                f"Vault at {wishes.vault_url} does not accept the token or the role."
            ) from exc
        except hvac.exceptions.VaultError as exc:
            raise StoreUnavailable(
                f"Vault at {wishes.vault_url} refused: {type(exc).__name__}."
            ) from exc


class Aws:
    """AWS Secrets Manager: one secret that is a JSON object."""

    def __init__(self, wishes: Secrets) -> None:
        self._wishes = wishes
        self.name = f"aws {wishes.aws_secret_id}"

    def read(self) -> dict[str, str]:
        """Read the secret's current version."""
        session, exceptions = _imported("botocore.session"), _imported("botocore.exceptions")
        config = _imported("botocore.config")
        try:
            client = session.get_session().create_client(
                "secretsmanager",
                region_name=self._wishes.aws_region,
                endpoint_url=self._wishes.aws_endpoint_url or None,
                config=config.Config(
                    connect_timeout=CONNECT_TIMEOUT_S,
                    read_timeout=READ_TIMEOUT_S,
                    retries={"total_max_attempts": 2},
                ),
            )
            text = client.get_secret_value(SecretId=self._wishes.aws_secret_id)["SecretString"]
        except exceptions.ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "unknown")
            raise StoreUnavailable(f"AWS Secrets Manager refused: {code}.") from exc
        except exceptions.BotoCoreError as exc:
            raise StoreUnavailable(
                f"AWS Secrets Manager cannot be asked: {type(exc).__name__}."
            ) from exc
        except KeyError as exc:
            raise StoreUnavailable(f"The secret {self.name} is not text.") from exc
        try:
            return _texts(json.loads(text))
        except ValueError as exc:
            raise StoreUnavailable(f"The secret {self.name} is not a JSON object.") from exc

    def renew(self) -> None:
        """Do nothing: AWS credentials renew themselves."""


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise StoreUnavailable("The secret must hold text under each key.")
    return found
