"""What somebody writes who has nothing but the client that the OpenAPI document makes.

Called with the URL, a password, a step and the token of a mailed link; prints as JSON what was
answered last.
"""

from __future__ import annotations

import json
import sys
import uuid

# Made by openapi-python-client in a folder on the path; see tests/test_generated_client.py.
from strongroom_client import AuthenticatedClient, Client, models
from strongroom_client.api.auth import (
    auth_login_create,
    auth_register_create,
    auth_verify_email_create,
)
from strongroom_client.api.ledger_accounts import ledger_accounts_create
from strongroom_client.api.transactions import transactions_create

url, password, step, link = sys.argv[1:]
email = "ada@example.org"

if step == "register":
    wanted = models.RegisterInputRequest(email=email, password=password)
    told = auth_register_create.sync_detailed(client=Client(base_url=url), body=wanted)
    print(json.dumps({"status": told.status_code}))
elif step == "verify":
    proof = models.LinkInputRequest(token=link)
    told = auth_verify_email_create.sync_detailed(client=Client(base_url=url), body=proof)
    print(json.dumps({"status": told.status_code}))
else:
    login = auth_login_create.sync(
        client=Client(base_url=url), body=models.LoginInputRequest(email=email, password=password)
    )
    ada = AuthenticatedClient(base_url=url, token=login.token)
    if step == "open":
        purse, told = (
            ledger_accounts_create.sync(
                client=ada, body=models.LedgerAccountInputRequest(code=code, asset="USD")
            )
            for code in ("purse", "savings")
        )
    else:
        posting = models.PostingInputRequest(
            source="purse", destination="savings", amount=5, asset="USD"
        )
        told = transactions_create.sync(
            client=ada,
            body=models.TransactionInputRequest(postings=[posting]),
            idempotency_key=str(uuid.uuid4()),
        )
    print(json.dumps(told.to_dict()))
