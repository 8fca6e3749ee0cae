from django.apps import AppConfig
from typing_extensions import override


class TransactionsConfig(AppConfig):
    name = "transactions"
    verbose_name = "Money"

    @override
    def ready(self) -> None:
        from core import scopes
        from transactions import constants

        scopes.declare(constants.SCOPES)
