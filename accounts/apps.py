from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    @override
    def ready(self) -> None:
        from accounts import constants, services
        from core import hooks, scopes

        scopes.declare(constants.SCOPES)
        hooks.listen(hooks.AFTER_MIGRATE, services.sync_roles)
        hooks.listen(hooks.METRICS_READ, services.count_aged_keys)
