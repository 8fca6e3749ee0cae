"""The second place of backups, against a server that answers like S3."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import math
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # without stubs
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from core import clock
from core.backups import bucket, sealing
from core.backups.bucket import Bucket
from core.backups.faults import BackupFault
from core.backups.shelf import FULL, INCREMENTAL, MANIFEST, Manifest, Shelf
from core.tests.test_backups import _manifest
from tests.ready import free_port
from tests.waiting import until

NAME, PREFIX, SECRET = "second-place", "bank/", "c4n4ry-of-the-store"
SEGMENT = "00000001" + "0" * 15
MIB = 1 << 20


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of a store with no bucket."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(address))
        yield address
    finally:
        server.kill()
        server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/moto-api/", timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture
def objects(store: str, tmp_path: Path, monkeypatch) -> Iterator[Any]:
    """An empty bucket, as another client sees it."""
    monkeypatch.setattr(bucket, "PART_BYTES", 5 * MIB)
    environment = dataclasses.replace(
        settings.ENV,
        backup_folder=str(tmp_path / "here"),
        backup_identity=sealing.make_identity(),
        backup_recipients=[],
        backup_s3_bucket=NAME,
        backup_s3_prefix=PREFIX,
        backup_s3_region="eu-central-1",
        backup_s3_endpoint_url=store,
        backup_s3_access_key="key",
        backup_s3_secret_key=SECRET,
    )
    monkeypatch.setattr(settings, "ENV", environment)
    resource = boto3.session.Session().resource(
        "s3",
        region_name="eu-central-1",
        endpoint_url=store,
        aws_access_key_id="another",
        aws_secret_access_key="one",
    )
    found = resource.Bucket(NAME)
    found.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield found
    found.objects.all().delete()
    found.delete()


def _publish(place: Shelf, at: dt.datetime, content: bytes = b"books", **facts: Any) -> Manifest:
    kind = facts.get("kind", FULL)
    with place.only_one(), place.new(kind, at) as (backup_id, partial):
        sealed = sealing.write_sealed(io.BytesIO(content), partial / "cluster.tar.zst.age")
        manifest = _manifest(at, id=backup_id, files=[sealed], **facts)
        place.publish(manifest, partial)
    return manifest


def _chain(place: Shelf) -> tuple[Manifest, Manifest]:
    """A full backup, an incremental one on it, and three segments of the log."""
    at = clock.now().replace(microsecond=0)
    full = _publish(place, at - dt.timedelta(hours=2), wal={"first_segment": f"{SEGMENT}1"})
    built = _publish(
        place, at, kind=INCREMENTAL, parent=full.id, wal={"first_segment": f"{SEGMENT}2"}
    )
    place.wal.mkdir()
    for number in (1, 2, 3):
        name = f"{SEGMENT}{number}{sealing.SUFFIX}"
        sealing.write_sealed(io.BytesIO(b"log"), place.wal / name)
    return full, built


def _keys(objects: Any) -> set[str]:
    return {each.key.removeprefix(PREFIX) for each in objects.objects.all()}


def _said(*command: str) -> str:
    said = io.StringIO()
    call_command(*command, stdout=said)
    return said.getvalue()


def test_large_files_go_in_checked_parts_and_nothing_goes_in_clear(objects: Any):
    place = Shelf()
    manifest = _publish(place, clock.now(), b"ada@example.org" + os.urandom(12 * MIB))
    assert Bucket().send(place) == [
        f"{manifest.id}/cluster.tar.zst.age",
        f"{manifest.id}/{MANIFEST}",
    ]
    large = objects.Object(f"{PREFIX}{manifest.id}/cluster.tar.zst.age")
    assert large.parts_count is None or large.parts_count > 1
    assert large.e_tag.strip('"').endswith("-3")
    whole = b"".join(each.get()["Body"].read() for each in objects.objects.all())
    assert b"ada@example.org" not in whole
    assert len(whole) > 12 * MIB
    assert Bucket().send(place) == []


def test_all_of_it_comes_back_onto_an_empty_disk(objects: Any, tmp_path: Path):
    here = Shelf()
    full, built = _chain(here)
    here.mark_verified(full, {"restore_s": 1.0})
    assert _said("backup_send") == "8 files sent.\n"
    listed = json.loads(_said("backup_list", "--remote", "--json"))
    assert [each["id"] for each in listed] == [full.id, built.id]
    assert listed[0]["verified"]["restore_s"] == 1.0
    here.folder.rename(tmp_path / "lost")
    assert _said("backup_fetch").split() == [
        full.id,
        built.id,
        f"{SEGMENT}2{sealing.SUFFIX}",
        f"{SEGMENT}3{sealing.SUFFIX}",
    ]
    back = Shelf()
    assert back.get("latest") == built
    for link in back.chain(built):
        back.require_files(link)
        there = (tmp_path / "lost" / link.id / MANIFEST).read_bytes()
        assert (back.path(link.id) / MANIFEST).read_bytes() == there
    assert _said("backup_fetch") == "All of it is here already.\n"


def test_changed_byte_is_found_there_and_never_brought_here(objects: Any, tmp_path: Path):
    place = Shelf()
    manifest = _publish(place, clock.now())
    Bucket().send(place)
    assert f'"id": "{manifest.id}"' in _said("backup_verify", "--remote")
    spoiled = objects.Object(f"{PREFIX}{manifest.id}/cluster.tar.zst.age")
    content = bytearray(spoiled.get()["Body"].read())
    content[len(content) // 2] ^= 1
    spoiled.put(Body=bytes(content))
    with pytest.raises(CommandError, match=r"cluster\.tar\.zst\.age is not the file"):
        _said("backup_verify", "--remote")
    place.folder.rename(tmp_path / "lost")
    with pytest.raises(CommandError, match=r"cluster\.tar\.zst\.age in the bucket is not"):
        _said("backup_fetch")
    assert Shelf().backups() == []
    assert not list(Shelf().folder.glob("2*"))


def test_manifest_of_somebody_else_is_refused(objects: Any, tmp_path: Path):
    place = Shelf()
    manifest = _publish(place, clock.now())
    Bucket().send(place)
    planted = objects.Object(f"{PREFIX}{manifest.id}/{MANIFEST}")
    facts = json.loads(planted.get()["Body"].read()) | {"label": "mine"}
    planted.put(Body=json.dumps(facts).encode())
    place.folder.rename(tmp_path / "lost")
    with pytest.raises(CommandError, match="not written by a holder of ENCRYPTION_KEYS"):
        _said("backup_fetch")
    assert Shelf().backups() == []


def test_interrupted_sending_is_no_backup_and_is_made_up_for(objects: Any, monkeypatch):
    place = Shelf()
    manifest = _publish(place, clock.now())
    broken = Bucket()
    upload, sent = broken._client.upload_file, list[Any]()

    def once(*arguments: Any, **options: Any) -> None:
        if sent:
            raise KeyboardInterrupt
        sent.append(upload(*arguments, **options))

    monkeypatch.setattr(broken._client, "upload_file", once)
    with pytest.raises(KeyboardInterrupt):
        broken.send(place)
    assert _keys(objects) == {f"{manifest.id}/cluster.tar.zst.age"}
    assert _said("backup_list", "--remote") == "There is no backup.\n"
    assert Bucket().send(place) == [f"{manifest.id}/{MANIFEST}"]
    assert manifest.id in _said("backup_list", "--remote")


def test_pruning_prunes_there_too(objects: Any):
    place, now = Shelf(), clock.now()
    old = _publish(place, now - dt.timedelta(days=60), wal={"first_segment": f"{SEGMENT}1"})
    new = _publish(place, now - dt.timedelta(days=20), wal={"first_segment": f"{SEGMENT}3"})
    place.wal.mkdir()
    for number in (1, 2, 3):
        (place.wal / f"{SEGMENT}{number}{sealing.SUFFIX}").touch()
    Bucket().send(place)
    before = _keys(objects)
    policy = [f"--{name}=0" for name in ("weekly", "monthly", "yearly")]
    _said("backup_prune", "--daily=1", *policy, "--dry-run")
    assert _keys(objects) == before
    assert f"{old.id} gone" in _said("backup_prune", "--daily=1", *policy)
    assert {key.split("/")[0] for key in _keys(objects)} == {new.id, "wal"}
    assert f"wal/{SEGMENT}3{sealing.SUFFIX}" in _keys(objects)
    assert f"wal/{SEGMENT}1{sealing.SUFFIX}" not in _keys(objects)


def test_backup_that_is_too_old_stops_a_launch(objects: Any):
    place = Shelf()
    manifest = _publish(place, clock.now() - dt.timedelta(hours=25))
    Bucket().send(place)
    assert manifest.id in _said("backup_verify", "--remote", "--max-age-h", "26")
    with pytest.raises(CommandError, match=r"is 25\.0 hours old"):
        _said("backup_verify", "--remote", "--max-age-h", "24")


def test_store_that_refuses_or_is_away_is_one_line_without_a_secret(objects: Any, monkeypatch):
    wrong = dataclasses.replace(settings.ENV, backup_s3_bucket="nobodys")
    monkeypatch.setattr(settings, "ENV", wrong)
    with pytest.raises(CommandError, match="refused ListObjectsV2: NoSuchBucket") as refused:
        _said("backup_list", "--remote")
    away = dataclasses.replace(
        settings.ENV, backup_s3_endpoint_url=f"http://127.0.0.1:{free_port()}"
    )
    monkeypatch.setattr(settings, "ENV", away)
    with pytest.raises(CommandError, match="cannot be asked: EndpointConnectionError") as gone:
        _said("backup_list", "--remote")
    assert SECRET not in f"{refused.value}{gone.value}"


@pytest.fixture
def checked_keys(store: str) -> Iterator[tuple[str, str]]:
    """A key that the store knows and that may use buckets; it believes no other meanwhile."""
    iam = boto3.session.Session().client(
        "iam",
        region_name="eu-central-1",
        endpoint_url=store,
        aws_access_key_id="another",
        aws_secret_access_key="one",
    )
    iam.create_user(UserName="backups")
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="backups", PolicyName="buckets", PolicyDocument=policy)
    key = iam.create_access_key(UserName="backups")["AccessKey"]
    _require_keys_from(store, 0)
    yield key["AccessKeyId"], key["SecretAccessKey"]
    _require_keys_from(store, math.inf)


def _require_keys_from(store: str, requests: float) -> None:
    asked = urllib.request.Request(
        f"{store}/moto-api/reset-auth",
        data=str(requests).encode(),
        headers={"Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200


def test_wrong_key_is_refused_in_one_line_and_the_right_one_makes_up_for_it(
    objects: Any, checked_keys: tuple[str, str], monkeypatch
):
    place = Shelf()
    manifest = _publish(place, clock.now())
    known, secret = checked_keys
    for key, wrong, code in (
        ("AKIAUNKNOWN", SECRET, "InvalidAccessKeyId"),
        (known, SECRET, "SignatureDoesNotMatch"),
    ):
        _use_key(monkeypatch, key, wrong)
        with pytest.raises(CommandError) as refused:
            _said("backup_send")
        assert str(refused.value) == f"The store of backups refused ListObjectsV2: {code}."
        with pytest.raises(CommandError, match=code):
            _said("backup_fetch")
    assert [each.id for each in place.backups()] == [manifest.id]
    _use_key(monkeypatch, known, secret)
    assert _said("backup_send") == "2 files sent.\n"


def _use_key(monkeypatch, key: str, secret: str) -> None:
    env = dataclasses.replace(settings.ENV, backup_s3_access_key=key, backup_s3_secret_key=secret)
    monkeypatch.setattr(settings, "ENV", env)


def test_without_a_bucket_nothing_is_sent(monkeypatch, tmp_path: Path):
    none = dataclasses.replace(settings.ENV, backup_s3_bucket="")
    monkeypatch.setattr(settings, "ENV", none)
    assert bucket.send(Shelf(tmp_path)) == []
    with pytest.raises(BackupFault, match="set BACKUP_S3_BUCKET"):
        Bucket()
