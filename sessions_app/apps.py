from django.apps import AppConfig
from typing_extensions import override


class SessionsAppConfig(AppConfig):
    name = "sessions_app"
    verbose_name = "Sessions and cookies"

    @override
    def ready(self) -> None:
        from django.conf import settings

        from core import documents, hooks, scopes
        from core.privacy.data_map import declare
        from sessions_app import conformance, constants, data_map, services

        scopes.declare(constants.SCOPES)
        declare(data_map.TABLES)
        hooks.listen(hooks.USER_ACCESS_CHANGED, services.forget_cached_sessions)
        hooks.listen(hooks.FACTORS_CHANGED, services.forget_cached_sessions)
        hooks.listen(hooks.LOGINS_ENDED, services.end_sessions_of)
        hooks.listen(hooks.LOGINS_ENDED, services.forget_devices_of)
        hooks.listen(hooks.LOGINS_ENDED, services.end_impersonations_by)
        hooks.listen(hooks.API_KEY_REVOKED, services.end_sessions_of_key)
        hooks.listen(hooks.USER_ERASED, services.erase_cookies_of)
        hooks.listen(hooks.DATABASE_RESTORED, services.end_everything)
        guide = "docs/cookies.md"
        documents.add(guide, conformance.guide(settings.BASE_DIR / guide))
