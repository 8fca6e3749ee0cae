from django.apps import AppConfig
from typing_extensions import override


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Records"

    @override
    def ready(self) -> None:
        # drf-spectacular finds its extensions by their having been imported.
        from core import (  # noqa: F401
            gauges,
            hooks,
            log_level,
            modes,
            openapi_fields,
            runtime_settings,
            scopes,
        )
        from core.privacy import data_map, tables
        from core.trail import seals, triggers

        data_map.declare(tables.TABLES)
        hooks.listen(hooks.METRICS_READ, gauges.measure)
        hooks.listen(hooks.AFTER_MIGRATE, triggers.ensure)
        hooks.listen(hooks.DATABASE_RESTORED, seals.note_restored)
        hooks.listen(hooks.AFTER_MIGRATE, runtime_settings.ensure_rows)
        hooks.listen(hooks.JOB_STARTS, runtime_settings.follow)
        hooks.listen(hooks.SETTINGS_CHANGED, log_level.follow_log_level)

        scopes.declare(
            [
                scopes.Scope(
                    "ops:read",
                    "see how the service is doing",
                    frozenset({"core.view_measurement"}),
                ),
                scopes.Scope("webhooks:read", "see webhook endpoints and what was sent to them"),
                scopes.Scope("files:read", "see and download its owner's files"),
                scopes.Scope("files:write", "hand in and remove its owner's files"),
                scopes.Scope("webhooks:write", "add, change and remove webhook endpoints"),
            ]
        )
