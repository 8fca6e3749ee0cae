"""The staff admin: Django's, with our name on it."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class StrongroomAdminSite(AdminSite):
    """Where staff look after people, sessions and money."""

    site_title = "Strongroom"
    site_header = "Strongroom"
    index_title = "What would you like to look at?"
    site_url = None
    enable_nav_sidebar = False


class StrongroomAdminConfig(AdminConfig):
    """Makes ours the default admin site."""

    default_site = "config.admin_site.StrongroomAdminSite"
