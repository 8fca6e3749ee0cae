"""Roles are what the code says they are, whatever somebody changed by hand."""

from __future__ import annotations

from django.contrib.auth.models import Group

from accounts import constants, services


def _permissions_of(role: str) -> set[str]:
    granted = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{right.content_type.app_label}.{right.codename}" for right in granted}


def test_roles_are_made_equal_to_the_table(committed_db):
    Group.objects.using("owner").get(name=constants.ADMIN).permissions.clear()
    Group.objects.using("owner").filter(name=constants.SUPPORT).delete()
    services.sync_roles()
    for role, names in constants.ROLE_PERMISSIONS.items():
        assert _permissions_of(role) == set(names)
