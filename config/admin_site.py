"""The staff admin: Django's, with our name on it."""

from __future__ import annotations

import functools
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from typing_extensions import override

from core import context, hooks
from core.principals import Principal

# What stays open to staff who have yet to choose a password of their own.
_OPEN_PAGES: Final = ("password_change", "logout")


class StrongroomAdminSite(AdminSite):
    """Where staff look after people, sessions and money."""

    site_title = "Strongroom"
    site_header = "Strongroom"
    index_title = "What would you like to look at?"
    site_url = None
    enable_nav_sidebar = False

    @override
    def has_permission(self, request: HttpRequest) -> bool:
        """Let in staff, and those who must have a second factor only once they have proved it."""
        if not super().has_permission(request):
            return False
        # Models are not there yet when the settings name this class.
        from config.admin_login import has_proved_enough  # noqa: PLC0415 - see above

        return has_proved_enough(request)

    @override
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Note who acts, for what the audit triggers write down.

        Whoever came with a password that somebody else made is led to replace it first.
        """

        @functools.wraps(view)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated:
                context.current().principal = Principal(
                    kind="staff",
                    user_id=request.user.pk,
                    session_id=getattr(request.session, "row_id", None),
                )
            change, leave = (reverse(f"{self.name}:{page}") for page in _OPEN_PAGES)
            owes_password = getattr(request.user, "has_one_time_password", False)
            if owes_password and request.path not in (change, leave):
                return HttpResponseRedirect(change)
            return view(request, *args, **kwargs)

        return super().admin_view(noted, cacheable)

    @override
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the way in; see :mod:`config.admin_login`."""
        from config.admin_login import StaffLoginView  # noqa: PLC0415 - as above

        entered = StaffLoginView.as_view(site=self)(request)
        assert isinstance(entered, HttpResponse), "none of its pages is streamed"
        return entered

    @override
    def password_change(  # type: ignore[override]  # a redirect is no template
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Let staff replace their own password; see :mod:`config.admin_password`."""
        from config.admin_password import change_password  # noqa: PLC0415 - as above

        return change_password(request, self)


class StrongroomAdminConfig(AdminConfig):
    """Makes ours the default admin site."""

    default_site = "config.admin_site.StrongroomAdminSite"

    @override
    def ready(self) -> None:
        from config import secret_watch  # noqa: PLC0415 - it has a job, which needs the apps

        super().ready()
        hooks.listen(hooks.METRICS_READ, secret_watch.look)
