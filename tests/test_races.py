"""Many at once, over HTTP, against several processes: nothing is lost, made or done twice."""

from __future__ import annotations

import collections
import os
import random
import threading
import time
import uuid

from tests.http import logged_in, opened, posting, registered, staff

SECONDS = float(os.environ.get("RACE_SECONDS", "20"))
THREADS = 64
ACCOUNTS = 20


def _together(work, count: int) -> None:
    """Run ``work(number)`` in ``count`` threads that start at one moment."""
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_forty_racing_debits_of_thirty_on_a_hundred(serve):
    service = serve(workers=2)
    ada, cashier = registered(service, "ada@example.org"), staff(service)
    purse, target = opened(ada, "purse"), opened(ada, "target")
    assert cashier.post_transaction(posting("cash", purse, 100))[0] == 201
    answers: list[tuple[int, str]] = []

    def debit(_number: int) -> None:
        client = type(ada)(service.url, ada.token)
        status, answer = client.post_transaction(posting(purse, target, 30))
        answers.append((status, answer.get("code", "")))
        client.close()

    _together(debit, 40)
    assert collections.Counter(answers) == {(201, ""): 3, (422, "TXN_INSUFFICIENT_FUNDS"): 37}
    _, _, balance = ada.call("GET", f"/api/v1/ledger-accounts/{purse}/balance/")
    assert balance["posted"] == 10
    assert service.command("ledger_verify").returncode == 0


def test_sixty_four_threads_of_random_transfers(serve):
    service = serve(workers=2, threads=16)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    ada, cashier = registered(service, "ada@example.org"), staff(service)
    accounts = [opened(ada, f"purse-{number}") for number in range(ACCOUNTS)]
    for account in accounts:
        assert cashier.post_transaction(posting("cash", account, 1_000))[0] == 201
    deadline = time.monotonic() + SECONDS
    statuses: collections.Counter[int] = collections.Counter()
    by_key: dict[str, set[str]] = collections.defaultdict(set)
    faults: list[object] = []
    lock = threading.Lock()

    def transfer(number: int) -> None:
        choose = random.Random(seed + number)
        client = type(ada)(service.url, ada.token)
        while time.monotonic() < deadline:
            source, destination = choose.sample(accounts, 2)
            body, key = posting(source, destination, choose.randint(1, 400)), str(uuid.uuid4())
            for _ in range(2 if choose.random() < 0.1 else 1):
                status, answer = client.post_transaction(body, key)
                with lock:
                    statuses[status] += 1
                    if status == 201:
                        by_key[key].add(answer["id"])
                    elif status != 422:
                        faults.append((status, answer))
        client.close()

    _together(transfer, THREADS)
    assert faults == []
    assert set(statuses) == {201, 422}
    assert statuses[201] > 500
    assert all(len(made) == 1 for made in by_key.values())
    assert service.command("ledger_verify").returncode == 0
    again = logged_in(service.url, "ada@example.org")
    total = sum(
        again.call("GET", f"/api/v1/ledger-accounts/{account}/balance/")[2]["posted"]
        for account in accounts
    )
    assert total == 1_000 * ACCOUNTS


def test_one_key_in_many_threads_posts_once(serve):
    service = serve(workers=2)
    ada, cashier = registered(service, "ada@example.org"), staff(service)
    purse, target = opened(ada, "purse"), opened(ada, "target")
    assert cashier.post_transaction(posting("cash", purse, 100))[0] == 201
    answers: list[tuple[int, str]] = []

    def debit(_number: int) -> None:
        client = type(ada)(service.url, ada.token)
        status, answer = client.post_transaction(posting(purse, target, 30), "the-one-key")
        answers.append((status, answer["id"]))
        client.close()

    _together(debit, 24)
    assert len(answers) == 24
    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    _, _, balance = ada.call("GET", f"/api/v1/ledger-accounts/{purse}/balance/")
    assert balance["posted"] == 70
