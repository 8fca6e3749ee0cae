"""Kill parts of the service while clients move money; then see whether anything is missing."""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.chaos import plans
from tests.chaos.clients import Customer
from tests.chaos.deeds import Deed, Memory
from tests.database import url_of
from tests.http import opened, posting, registered, staff
from tests.services import cluster_at
from tests.serving import Service, serving

CHECKER = Path(__file__).with_name("checker.py")
ACCOUNTS = 8
START = 10_000
CLIENTS = 8
CALM_S = 3
# Clients log in once; a run may be long.
ENVIRONMENT = {"STEP_UP_MAX_AGE_S": "86400", "CACHE_TIMEOUT_MS": "250"}


def main(arguments: list[str], home: Path) -> int:
    """Run the chosen plans one after the other; return 0 when every line is clean."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--plan", action="append", choices=("workers", "backends", "postmaster"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--least", type=int, default=100, help="acknowledged operations a plan")
    asked = parser.parse_args(arguments)
    is_clean = True
    with serving(home, "chaos") as start:
        for plan in ("calm", *(asked.plan or ("workers", "backends", "postmaster"))):
            run = Run(plan, asked.seed, start(workers=4, threads=4, **ENVIRONMENT), home)
            run.go(CALM_S if plan == "calm" else asked.seconds)
            if plan == "calm":
                # Before it is believed about anything, the checker shows that it sees.
                is_clean &= run.ask_checker("prove", url_of("superuser", run.service.database))
            else:
                is_clean &= run.verdict(asked.least)
    return 0 if is_clean else 1


class Run:
    """One plan on one service with a database of its own."""

    def __init__(self, plan: str, seed: int, service: Service, home: Path) -> None:
        self.plan, self.seed, self.service = plan, seed, service
        self.cluster = cluster_at(home)
        self.folder = home / f"journal-{plan}"
        self.folder.mkdir()
        self.statuses: Counter[str] = Counter()
        self.hits = 0
        self.operations = 0

    def go(self, seconds: float) -> None:
        """Let clients work while the plan strikes, then let them settle what is open."""
        choose = random.Random(f"{self.seed} {self.plan}")
        memory = Memory(accounts=[])
        token = self._set_up(memory)
        customers = [self._customer(f"c{n}", token, memory) for n in range(CLIENTS)]
        every_s, strike = plans.strikes(
            self.plan, service=self.service, cluster=self.cluster, choose=choose
        )
        with _working(customers):
            self.hits = plans.strike_until(time.monotonic() + seconds, every_s, strike)
        for customer in customers:
            self.statuses += customer.statuses

    def verdict(self, least: int) -> bool:
        """Print the line; return whether all is well."""
        self.service.stop()
        facts = " ".join(f"{what.replace(' ', '_')}={n}" for what, n in self.statuses.items())
        tail = f" hits={self.hits} {facts} SEED={self.seed} PLAN={self.plan}"
        is_clean = self.ask_checker("check", url_of("owner", self.service.database), tail)
        verified = self.service.command("ledger_verify", "--seals", check=False)
        if verified.returncode != 0:
            print(verified.stdout, verified.stderr, file=sys.stderr)
        is_clean &= verified.returncode == 0 and not self.statuses["wrong"]
        return is_clean and self.operations >= least and self.hits > 0

    def ask_checker(self, what: str, database: str, tail: str = "") -> bool:
        """Let the program that knows nothing of ours look; show what it says."""
        told = subprocess.run(
            [sys.executable, CHECKER, what, database, self.folder],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        said = told.stdout.strip()
        print(f"{said}{tail}", flush=True)
        self.operations = int(said.rpartition("ops=")[2]) if "ops=" in said else 0
        return told.returncode == 0

    def _set_up(self, memory: Memory) -> str:
        """Open Ada's accounts and put money on them, written down like everything else."""
        ada, cashier = registered(self.service, "ada@example.org"), staff(self.service)
        memory.accounts = [opened(ada, f"purse-{number}") for number in range(ACCOUNTS)]
        bank = self._customer("bank", cashier.token, Memory(accounts=[]))
        for number, account in enumerate(memory.accounts):
            entries = [["cash", -START], [account, START]]
            want = {"kind": "posting", "about": None, "entries": entries}
            body = {**posting("cash", account, START), "description": f"bank-{number}/0"}
            assert bank.settle(f"bank-{number}", Deed("transactions/", body, [want]))
        return ada.token

    def _customer(self, name: str, token: str, memory: Memory) -> Customer:
        return Customer(
            name=name,
            url=self.service.url,
            token=token,
            memory=memory,
            folder=self.folder,
            seed=f"{self.seed} {self.plan} {name}",
        )


@contextlib.contextmanager
def _working(customers: list[Customer]) -> Iterator[None]:
    """Let them work meanwhile; at the end each finishes what it has begun."""
    for customer in customers:
        customer.start()
    try:
        yield
    finally:
        for customer in customers:
            customer.may_go_on.clear()
        for customer in customers:
            customer.join()
