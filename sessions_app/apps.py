from django.apps import AppConfig
from typing_extensions import override


class SessionsAppConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Sessions and cookies"

    @override
    def ready(self) -> None:
        from core import hooks
        from sessions_app import services

        hooks.listen(hooks.USER_ACCESS_CHANGED, services.forget_cached_sessions)
