from django.apps import AppConfig
from typing_extensions import override


class TransactionsConfig(AppConfig):
    name = "transactions"
    verbose_name = "Money"

    @override
    def ready(self) -> None:
        from core import hooks, scopes
        from transactions import constants
        from transactions.services import archiving

        scopes.declare(constants.SCOPES)
        hooks.listen(hooks.MONTH_LEAVING, archiving.prepare_to_leave)
        hooks.listen(hooks.MONTH_ARCHIVED, archiving.fold_entries)
        hooks.listen(hooks.MONTH_RESTORED, archiving.unfold_entries)
