"""Roles and their permissions."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission

from accounts import constants


def sync_roles() -> None:
    """Make the groups and their permissions equal to :data:`constants.ROLE_PERMISSIONS`."""
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using("owner").select_related("content_type")
    }
    for role, names in constants.ROLE_PERMISSIONS.items():
        group, _ = Group.objects.using("owner").get_or_create(name=role)
        group.permissions.set([known[name] for name in names])
