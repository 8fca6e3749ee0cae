from django.apps import AppConfig
from typing_extensions import override


class TransactionsConfig(AppConfig):
    name = "transactions"
    verbose_name = "Money"

    @override
    def ready(self) -> None:
        from core import hooks, scopes
        from transactions import constants
        from transactions.services import archiving, metadata_indexes, people

        scopes.declare(constants.SCOPES)
        hooks.listen(hooks.USER_CREATED, people.open_default_account)
        hooks.listen(hooks.USER_ACCESS_CHANGED, people.follow_access)
        hooks.listen(hooks.AFTER_MIGRATE, metadata_indexes.ensure)
        hooks.listen(hooks.MONTH_LEAVING, archiving.prepare_to_leave)
        hooks.listen(hooks.MONTH_ARCHIVED, archiving.fold_entries)
        hooks.listen(hooks.MONTH_RESTORED, archiving.unfold_entries)
