from django.apps import AppConfig
from typing_extensions import override


class TransactionsConfig(AppConfig):
    name = "transactions"
    verbose_name = "Money"

    @override
    def ready(self) -> None:
        from core import hooks, scopes
        from core.privacy.data_map import declare
        from transactions import constants, data_map
        from transactions.services import archiving, metadata_indexes, people

        scopes.declare(constants.SCOPES)
        declare(data_map.TABLES)
        hooks.listen(hooks.USER_CREATED, people.open_default_account)
        hooks.listen(hooks.USER_ACCESS_CHANGED, people.follow_access)
        hooks.listen(hooks.AFTER_MIGRATE, metadata_indexes.ensure)
        hooks.listen(hooks.MONTH_LEAVING, archiving.prepare_to_leave)
        hooks.listen(hooks.MONTH_ARCHIVED, archiving.fold_entries)
        hooks.listen(hooks.MONTH_RESTORED, archiving.unfold_entries)
