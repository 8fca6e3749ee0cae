"""What a thief of logs or of the database finds: no token that works."""

from __future__ import annotations

import psycopg
from psycopg import sql

from tests.database import url_of
from tests.http import Client, registered, staff
from tests.people import PASSWORD
from tests.serving import Service

API = "/api/v1"


def _stored(service: Service) -> str:
    """Return everything in every table as text; bytes show as hexadecimal."""
    with psycopg.connect(url_of("superuser", service.database)) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', "
            "'information_schema')"
        ).fetchall()
        rows = [
            row
            for schema, table in tables
            for (row,) in connection.execute(
                sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table))
            )
        ]
    assert len(rows) > 100
    return "\n".join(rows)


def _every_flow(service: Service) -> list[str]:
    """Go through what gives out tokens; return them all."""
    ada, grace = registered(service, "ada@example.org"), staff(service)
    made = service.command(
        *("service_key_create", "shop", "--scope", "sessions:write"),
        *("--scope", "sessions:introspect"),
    )
    key = made.stdout.split()[-1]
    shop, nobody = Client(service.url, key), Client(service.url)
    login = {"email": "ada@example.org", "password": PASSWORD, "refresh": True}
    first = nobody.call("POST", f"{API}/auth/login/", login)[2]
    renewed = nobody.call(
        "POST", f"{API}/auth/refresh/", {"refresh_token": first["refresh_token"]}
    )[2]
    jwt = ada.call("POST", f"{API}/auth/token/", {})[2]["access_token"]
    guest = shop.call("POST", f"{API}/sessions/")[2]
    told = shop.call("POST", f"{API}/sessions/introspect/", {"token": jwt})[2]
    assert told["active"] is True
    attach = f"{API}/sessions/{guest['session']['id']}/attach/"
    attached = ada.call("POST", attach, {"guest_token": guest["token"]})[2]
    whom = f"{API}/users/{told['sub']}/impersonate/"
    acting = grace.call("POST", whom, {"reason": "Ticket 4711: a test"})[2]
    # Refusals too: they are logged with more words.
    for token in (ada.token, "x" + jwt, first["refresh_token"], key[:-1]):
        assert Client(service.url, token).call("GET", f"{API}/me/")[0] == 401
    return [
        *(ada.token, grace.token, key, jwt, guest["token"], attached["token"], acting["token"]),
        *(first["token"], first["refresh_token"], renewed["token"], renewed["refresh_token"]),
        PASSWORD,
    ]


def test_attack_34_neither_logs_nor_tables_hold_a_token(serve):
    service = serve(workers=1, LOG_LEVEL="DEBUG")
    secrets = _every_flow(service)
    assert len(set(secrets)) == 12
    stored, logged = _stored(service), service.log.read_text()
    assert "auth/refresh" in logged
    for secret in secrets:
        # The last part alone would do for whoever guesses the rest.
        for part in (secret, secret[-40:]):
            assert part not in stored
            assert part not in logged
            assert part.encode().hex() not in stored
