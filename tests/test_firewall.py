"""The shipped firewall in a network of its own: two doors are open, and nothing behind them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.services import ROOT

INSIDE, OUTSIDE = "10.9.0.1", "10.9.0.2"
PORTS = ("22", "80", "443", "5432", "6379", "8000")
DOORS = (sys.executable, str(ROOT / "tests" / "drivers" / "doors.py"))


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def within(network: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", network, *command]


@pytest.fixture
def networks() -> Iterator[tuple[str, str]]:
    """Two networks with a line between them."""
    if os.geteuid() != 0 or not shutil.which("nft") or not shutil.which("ip"):
        pytest.skip("Networks of one's own are for root, with nft and ip; .ci/run installs them")
    names = f"inside-{os.getpid()}", f"outside-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        for name in names:
            try:
                ip("netns", "add", name)
            except subprocess.CalledProcessError:
                pytest.skip("This machine allows no networks of one's own")
            stack.callback(ip, "netns", "del", name)
        inside, outside = names
        ip("link", "add", "in", "netns", inside, "type", "veth", "peer", "out", "netns", outside)
        for name, device, address in ((inside, "in", INSIDE), (outside, "out", OUTSIDE)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", device, "up")
        yield names


@contextlib.contextmanager
def listening(network: str) -> Iterator[None]:
    command = within(network, *DOORS, "listen", *PORTS)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"ready\n"
        yield


def opened(network: str) -> list[str]:
    command = within(network, *DOORS, "knock", INSIDE, *PORTS)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_only_the_doors_for_the_web_are_open_to_others(networks):
    inside, outside = networks
    with listening(inside):
        assert opened(outside) == list(PORTS), "the line works"
        rules = str(ROOT / "deploy" / "nftables" / "strongroom.nft")
        subprocess.run(within(inside, "nft", "-f", rules), check=True)
        assert opened(outside) == ["80", "443"]
        assert opened(inside) == list(PORTS), "loopback stays open"
