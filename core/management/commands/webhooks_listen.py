"""``manage.py webhooks_listen``: a receiver for development that shows and checks what arrives."""

from __future__ import annotations

import http.server
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from typing_extensions import override


class Command(BaseCommand):
    help = "Listen on loopback, print each event, and say whether its signature is right."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8090)
        parser.add_argument("--secret", default="", help="The endpoint's whsec_... secret.")
        parser.add_argument("--answer", type=int, default=204, help="Status to answer with.")
        parser.add_argument("--count", type=int, default=0, help="Stop after so many. 0: never.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        command, seen = self, 0

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                nonlocal seen
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen += 1
                command.show(body, dict(self.headers.items()), options["secret"])
                self.send_response(options["answer"])
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: each event is shown above."""

        with http.server.HTTPServer(("127.0.0.1", options["port"]), Receiver) as server:
            self.stdout.write(f"Listening at http://127.0.0.1:{server.server_port}/")
            while not options["count"] or seen < options["count"]:
                server.handle_request()

    def show(self, body: bytes, headers: dict[str, str], secret: str) -> None:
        """Print one event and the verdict on its signature."""
        verdict = "not checked"
        if secret:
            try:
                Webhook(secret).verify(body, headers)
                verdict = "right"
            except WebhookVerificationError as exc:
                verdict = f"WRONG ({exc})"
        named = {name.lower(): value for name, value in headers.items()}
        self.stdout.write(f"{named.get('webhook-id', 'no id')}  signature {verdict}")
        try:
            self.stdout.write(json.dumps(json.loads(body), indent=2))
        except ValueError:
            self.stdout.write(repr(body[:1000]))
