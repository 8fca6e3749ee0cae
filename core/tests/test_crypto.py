"""Encryption at rest: bound to its row, readable under old keys, never silently wrong."""

from __future__ import annotations

import pytest

from core import crypto, encryption_keys


def test_sealed_value_opens_only_where_it_belongs():
    sealed = crypto.seal(b"seed", bound_to="factor.secret:1")
    assert b"seed" not in sealed
    assert crypto.unseal(sealed, bound_to="factor.secret:1") == b"seed"
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(sealed, bound_to="factor.secret:2")


def test_every_changed_byte_is_noticed():
    sealed = crypto.seal(b"seed", bound_to="row")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(crypto.SealBroken):
            crypto.unseal(bytes(changed), bound_to="row")


def test_two_seals_of_one_value_differ():
    assert crypto.seal(b"x", bound_to="row") != crypto.seal(b"x", bound_to="row")


def test_old_key_reads_and_new_key_writes(ring):
    first, second = encryption_keys.make_key(), encryption_keys.make_key()
    ring(first)
    old = crypto.seal(b"seed", bound_to="row")
    ring(second, first)
    assert crypto.unseal(old, bound_to="row") == b"seed"
    new = crypto.seal(b"seed", bound_to="row")
    assert crypto.key_id_of(new) == second.partition(":")[0] == crypto.current_key_id()
    ring(second)
    assert crypto.unseal(new, bound_to="row") == b"seed"
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(old, bound_to="row")


def test_tags_differ_by_purpose_and_key(ring):
    first, second = encryption_keys.make_key(), encryption_keys.make_key()
    ring(first, second)
    other = second.partition(":")[0]
    tags = {
        crypto.tag(b"m", purpose="a"),
        crypto.tag(b"m", purpose="b"),
        crypto.tag(b"m", purpose="a", key_id=other),
    }
    assert len(tags) == 3


@pytest.mark.parametrize("junk", [b"", b"\x01", b"\x02abc", b"\x01\xff", b"plain text"])
def test_what_was_never_sealed_does_not_open(junk):
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(junk, bound_to="row")
