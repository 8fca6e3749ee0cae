"""One scenario mix, in both tools, bounded, with thresholds."""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path("loadtests")
MIX = json.loads((HERE / "scenario.json").read_text())


def test_both_tools_do_all_of_the_mix_and_nothing_else():
    script = (HERE / "scenario.js").read_text()
    assert set(re.findall(r"^    (\w+): \(\) => \[", script, re.MULTILINE)) == set(MIX["weights"])
    weighed = re.findall(r'@task\(WEIGHTS\["(\w+)"\]\)', (HERE / "locustfile.py").read_text())
    assert sorted(weighed) == sorted(MIX["weights"])


def test_load_is_bounded_and_judged():
    assert MIX["clients"] * MIX["seconds"] <= 2_000
    assert set(MIX["thresholds"]) == {"p95_ms", "failed_share"}
    for tool in ("scenario.js", "locustfile.py"):
        text = (HERE / tool).read_text()
        assert all(name in text for name in MIX["thresholds"])
