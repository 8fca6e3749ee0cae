"""Amounts as people write them, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions import money


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 9))
def test_what_is_written_reads_the_same(amount_minor: int, exponent: int):
    assert money.minor_units(money.readable(amount_minor, exponent), exponent) == amount_minor


@pytest.mark.parametrize(
    "text", ["", "-", "1.", ".5", "1.234", "1,23", "1e3", "\u0665", " 1", "1 000", "0x1", "9" * 20]
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(ValueError, match=r"^(Write|There|That)"):
        money.minor_units(text, 2)
