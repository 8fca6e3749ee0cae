from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    @override
    def ready(self) -> None:
        from django.core.checks import register

        from accounts import checks, constants, data_map, services
        from accounts.services import erasing
        from core import hooks, scopes
        from core.privacy.data_map import declare

        register(checks.breach_filter_is_readable)

        scopes.declare(constants.SCOPES)
        declare(data_map.TABLES)
        hooks.listen(hooks.USER_ERASED, erasing.close_for_good)
        hooks.listen(hooks.TELL_PERSON, erasing.tell_person)
        hooks.listen(hooks.AFTER_MIGRATE, services.sync_roles)
        hooks.listen(hooks.DATABASE_RESTORED, services.end_every_login)
        hooks.listen(hooks.METRICS_READ, services.count_aged_keys)
