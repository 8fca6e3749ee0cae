"""Secrets from a real OpenBao and from what answers like AWS; what happens when they are away."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from config import secret_stores
from config.secret_stores import StoreUnavailable
from tests.bao import Bao
from tests.ready import free_port
from tests.serving import ROOT
from tests.waiting import until

TOKEN = {"Authorization": "Bearer the-metrics-token-of-this-test"}


@pytest.fixture
def bao(tmp_path: Path):
    server = Bao(tmp_path)
    yield server
    server.stop()


def _wishes(bao: Bao, **others: str) -> dict[str, str]:
    return {"SECRETS_FROM": "vault", "VAULT_URL": bao.url, **others}


def _run(*arguments: str, without: tuple[str, ...] = (), **changes: str):
    environment = {k: v for k, v in os.environ.items() if k not in without}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environment, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def _read(environ: dict[str, str]) -> dict[str, str]:
    store = secret_stores.named(environ)
    assert store is not None
    return store.read()


def test_settings_are_read_with_a_token_and_variables_win(bao: Bao):
    canary = "c4n4ry-" + "x" * 50
    bao.keep(SECRET_KEY=canary, DEFAULT_ASSET="EUR", PORT="20123")
    done = _run(
        *("manage.py", "config_show", "--json"),
        without=("SECRET_KEY",),
        **_wishes(bao, VAULT_TOKEN=bao.token(), PORT="20124"),
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["SECRET_KEY"] == {"value": "***", "source": "vault secret/strongroom"}
    assert shown["DEFAULT_ASSET"] == {"value": "EUR", "source": "vault secret/strongroom"}
    assert shown["PORT"] == {"value": 20124, "source": "environment"}
    assert shown["VAULT_MOUNT"] == {"value": "secret", "source": "default"}
    assert canary not in done.stdout + done.stderr


def test_role_logs_in_and_leaves_no_token_behind(bao: Bao):
    bao.keep(SECRET_KEY="s")
    role = bao.role()
    before = bao.tokens()
    assert _read(_wishes(bao, **role)) == {"SECRET_KEY": "s"}
    assert bao.tokens() == before
    with pytest.raises(StoreUnavailable, match="does not accept"):
        _read(_wishes(bao, **{**role, "VAULT_SECRET_ID": "wrong"}))


def test_token_is_renewed(bao: Bao):
    token = bao.token(ttl="30s")
    store = secret_stores.named(_wishes(bao, VAULT_TOKEN=token))
    assert store is not None

    def left_s() -> int:
        return int(bao.root.auth.token.lookup(token)["data"]["ttl"])

    until(lambda: left_s() < 29)
    store.renew()
    assert left_s() >= 29


def test_each_refusal_is_told_in_words_without_a_secret(bao: Bao):
    token = bao.token()
    with pytest.raises(StoreUnavailable, match="There is no secret at vault secret/strongroom"):
        _read(_wishes(bao, VAULT_TOKEN=token))
    bao.keep(SECRET_KEY=7)
    with pytest.raises(StoreUnavailable, match="must hold text"):
        _read(_wishes(bao, VAULT_TOKEN=token))
    with pytest.raises(StoreUnavailable) as refused:
        _read(_wishes(bao, VAULT_TOKEN="s.wrong-c4n4ry"))
    assert "does not accept the token" in str(refused.value)
    assert "c4n4ry" not in str(refused.value)
    with pytest.raises(StoreUnavailable, match="VAULT_TOKEN, or VAULT_ROLE_ID"):
        _read(_wishes(bao))


@pytest.mark.parametrize(
    "program",
    [("manage.py", "check"), ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")],
    ids=["command", "server"],
)
def test_store_that_is_away_at_the_start_is_one_clear_line(program):
    url = f"http://127.0.0.1:{free_port()}"
    done = _run(*program, SECRETS_FROM="vault", VAULT_URL=url, VAULT_TOKEN="c4n4ry")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        f"Configuration is not usable: Vault at {url} does not answer."
    ]
    assert done.stdout == ""


def test_store_that_goes_away_later_stops_nothing_and_is_measured(serve, bao: Bao):
    bao.keep(SECURITY_CONTACT="mailto:kept@example.org", METRICS_TOKEN=TOKEN["Authorization"][7:])
    service = serve(
        workers=1, METRICS_TOKEN=TOKEN["Authorization"][7:], **_wishes(bao, VAULT_TOKEN=bao.token())
    )

    def numbers() -> dict[str, float]:
        request = urllib.request.Request(f"{service.url}/metrics", headers=TOKEN)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
        ours = r'^strongroom_(?:secret_store_)?(\w+)\{\w+="(?:vault|secret_store)".*\} (\S+)$'
        found = re.findall(ours, text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    def shown() -> str:
        with urllib.request.urlopen(f"{service.url}/.well-known/security.txt") as answer:
            return str(answer.read().decode())

    assert until(lambda: numbers().get("up")) == 1
    assert numbers()["changed"] == 0
    bao.keep(SECURITY_CONTACT="mailto:new@example.org")
    until(lambda: numbers()["changed"] == 1)
    bao.stop()
    until(lambda: numbers()["up"] == 0)
    assert numbers()["failures_total"] >= 1
    assert numbers()["fallbacks_total"] >= 1
    assert "mailto:kept@example.org" in shown()
    assert service.process.poll() is None


class _Aws(http.server.BaseHTTPRequestHandler):
    """Answers GetSecretValue to who signs right (AWS Signature Version 4)."""

    KEY_ID, SECRET = "AKIDOFTHISTEST", "the-secret-access-key"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        if not self._is_signed(body):
            return self._answer(400, {"__type": "InvalidSignatureException"})
        if asked != {"SecretId": "strongroom"}:
            return self._answer(400, {"__type": "ResourceNotFoundException"})
        return self._answer(200, {"SecretString": json.dumps({"SECRET_KEY": "from aws"})})

    def _is_signed(self, body: bytes) -> bool:
        given = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/((\d{8})/eu-west-1/secretsmanager/aws4_request), "
            r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
            self.headers["Authorization"],
        )
        if not given or given[1] != self.KEY_ID:
            return False
        scope, day, names, signature = given[2], given[3], given[4], given[5]
        assert {"host", "x-amz-date", "x-amz-target"} <= set(names.split(";"))
        assert self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        headers = "".join(f"{n}:{self.headers[n].strip()}\n" for n in names.split(";"))
        digest = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n/\n\n{headers}\n{names}\n{digest}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{self.headers['X-Amz-Date']}\n{scope}\n{hashed}"
        key = f"AWS4{self.SECRET}".encode()
        for part in (day, "eu-west-1", "secretsmanager", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature)

    def _answer(self, status: int, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:  # type: ignore[explicit-override]  # quiet
        pass


@pytest.fixture
def aws(monkeypatch):
    """What answers like AWS Secrets Manager; yields the variables that lead there."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Aws)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", _Aws.KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _Aws.SECRET)
    yield {
        "SECRETS_FROM": "aws",
        "AWS_SECRET_ID": "strongroom",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
    }
    server.shutdown()
    server.server_close()


def test_aws_is_asked_with_a_signed_request(aws, monkeypatch):
    assert _read(aws) == {"SECRET_KEY": "from aws"}
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        _read({**aws, "AWS_SECRET_ID": "another"})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreUnavailable, match="InvalidSignatureException"):
        _read(aws)
    with pytest.raises(StoreUnavailable, match="cannot be asked"):
        _read({**aws, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"})


def test_no_store_needs_no_client():
    done = _run(
        "-c",
        "import sys; from config import settings; "
        "sys.exit(bool({'hvac', 'botocore', 'requests'} & set(sys.modules)))",
    )
    assert done.returncode == 0, done.stderr
