from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    @override
    def ready(self) -> None:
        from django.core.checks import register

        from accounts import checks, constants, services
        from core import hooks, scopes

        register(checks.breach_filter_is_readable)

        scopes.declare(constants.SCOPES)
        hooks.listen(hooks.AFTER_MIGRATE, services.sync_roles)
        hooks.listen(hooks.METRICS_READ, services.count_aged_keys)
