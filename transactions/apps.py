from django.apps import AppConfig
from typing_extensions import override


class TransactionsConfig(AppConfig):
    name = "transactions"
    verbose_name = "Money"

    @override
    def ready(self) -> None:
        from django.core.checks import Tags, register

        from core import hooks, scopes
        from core.privacy.data_map import declare
        from transactions import checks, constants, data_map
        from transactions.selectors.control_totals import control_totals
        from transactions.services import archiving, metadata_indexes, people

        # Twice, because Django asks databases only where a command names them.
        register(checks.default_asset_is_one)
        register(checks.default_asset_is_one, Tags.database)
        scopes.declare(constants.SCOPES)
        declare(data_map.TABLES)
        hooks.listen(hooks.USER_CREATED, people.open_default_account)
        hooks.listen(hooks.USER_ACCESS_CHANGED, people.follow_access)
        hooks.listen(hooks.AFTER_MIGRATE, metadata_indexes.ensure)
        hooks.listen(hooks.MONTH_LEAVING, archiving.prepare_to_leave)
        hooks.listen(hooks.MONTH_ARCHIVED, archiving.fold_entries)
        hooks.listen(hooks.MONTH_RESTORED, archiving.unfold_entries)
        hooks.listen(hooks.TOTALS_READ, control_totals)
