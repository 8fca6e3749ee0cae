"""How our user agent does on the public cookie vectors, and why it differs where it does.

The vectors state what RFC 6265 asked for in 2011. RFC 6265bis changed some of it on purpose;
each vector that its text decides otherwise is named here with the clause.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import orjson

from sessions_app.rfc6265.cookies import Ignored
from sessions_app.rfc6265.exchanges import Exchange, exchange_with
from sessions_app.rfc6265.jar import Jar, header_of

VECTORS: Final = Path(__file__).parent / "tests" / "http_state" / "parser.jsonl"
SERVER: Final = "http://home.example.org:8888"
# Some vectors expire in 2019; they are run on a day before that.
RUN_AT: Final = dt.datetime(2011, 4, 1, tzinfo=dt.UTC)

_NAMELESS: Final = "5.6 step 3: a pair without `=`, or with nothing before it, is a nameless cookie"
_CONTROL: Final = "5.6 step 1: a line with a control character is ignored, not cut there"
_PATH: Final = "5.1.4: paths are compared octet by octet, `%6F` is no `o`"
_EMPTY_DOMAIN: Final = "5.7 step 7: the last Domain counts, and an empty one means this host only"
DIFFERENCES: Final[dict[str, str]] = {
    **dict.fromkeys(("0004", "0021", *(f"00{number}" for number in range(23, 29))), _NAMELESS),
    **dict.fromkeys(("chromium0009", "chromium0010", "chromium0012"), _NAMELESS),
    **dict.fromkeys(("mozilla0012", *(f"mozilla00{n}" for n in range(14, 18))), _NAMELESS),
    **dict.fromkeys(("name0017", "name0023", "name0025", "name0028"), _NAMELESS),
    **dict.fromkeys(("name0031", "name0032", "name0033"), _NAMELESS),
    **dict.fromkeys(("disabled-chromium0022", "disabled-chromium0023"), _CONTROL),
    "disabled-path0029": _PATH,
    "optional-domain0042": _EMPTY_DOMAIN,
}
_BEGIN: Final = "<!-- vectors: written by `make docs` -->\n"
_END: Final = "<!-- /vectors -->"


@dataclasses.dataclass(frozen=True, slots=True)
class Vector:
    """What a server sends, to where it redirects, and which ``Cookie`` the vector expects."""

    name: str
    lines: list[str]
    location: str
    expected: str

    @property
    def received_by(self) -> Exchange:
        """The request that is answered with the lines."""
        return exchange_with(f"{SERVER}/cookie-parser?{self.name}", is_navigation=True)

    @property
    def followed_by(self) -> Exchange:
        """The request that shows what was kept."""
        return exchange_with(self.location, is_navigation=True)


def vectors() -> Iterator[Vector]:
    """Return the 222 vectors in the order of their names."""
    for line in VECTORS.read_text(encoding="utf-8").splitlines():
        row = orjson.loads(line)
        fields = re.findall(r"^([A-Za-z-]+):[ ]?(.*)$", row["test"].rstrip("\n"), re.MULTILINE)
        target = next((value for name, value in fields if name == "Location"), "")
        if not target.startswith("http"):
            target = SERVER + (target or f"/cookie-parser-result?{row['name']}")
        shown = re.findall(r"^Cookie:[ ]?(.*)$", row["expected"], re.MULTILINE)
        yield Vector(
            name=row["name"],
            lines=[value for name, value in fields if name == "Set-Cookie"],
            location=target,
            expected=shown[0] if shown else "",
        )


def answer_to(vector: Vector, *, at: dt.datetime = RUN_AT) -> str:
    """Return the ``Cookie`` header that our user agent sends ``at`` that moment."""
    jar = Jar()
    for line in vector.lines:
        try:
            jar.receive(line, vector.received_by, at=at)
        except Ignored:
            continue
    return header_of(jar.choose(vector.followed_by, at=at))


def table() -> str:
    """Return the result in Markdown: how many agree, and every one that does not."""
    rows, agreeing, total = [], 0, 0
    for vector in vectors():
        total += 1
        ours = answer_to(vector)
        if ours == vector.expected:
            agreeing += 1
        else:
            why = DIFFERENCES.get(vector.name, "unexplained")
            shown = (_shown(*vector.lines), _shown(vector.expected), _shown(ours))
            rows.append(f"| {vector.name} | {' | '.join(shown)} | {why} |")
    head = [
        f"**{agreeing} of {total}** vectors are answered as in 2011. The other {total - agreeing} "
        "are answered as RFC 6265bis asks today:\n",
        "| vector | sent | expected in 2011 | ours | clause of RFC 6265bis |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def guide(path: Path) -> Callable[[], str]:
    """Return what writes the table into the guide at ``path`` and keeps the rest of it."""

    def written() -> str:
        before, begin, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
        _, end, after = rest.partition(_END)
        assert begin, "the guide has lost the place of its table"
        assert end, "the guide has lost the end of its table"
        return before + begin + table() + end + after

    return written


def _shown(*texts: str) -> str:
    """Return ``texts`` as code in a cell of a table, one a line."""
    escaped = (
        re.sub(r"[\x00-\x1f]", lambda match: f"\\x{ord(match[0]):02x}", text).replace("|", "\\|")
        for text in texts
    )
    return "<br>".join(f"`{text}`" if text else "nothing" for text in escaped)
