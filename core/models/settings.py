"""What staff changed while everything ran."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class RuntimeSetting(models.Model):
    """A setting that can be changed at run time; without a value its default holds."""

    name = models.CharField(primary_key=True, max_length=64, editable=False)
    value = models.JSONField(null=True, blank=True)
    changed_at = models.DateTimeField("changed", null=True, editable=False)

    class Meta:
        db_table = "runtime_setting"
        verbose_name = "runtime setting"
        ordering: ClassVar = ["name"]
        default_permissions: ClassVar = ["view", "change"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="runtime_setting_name_has_form",
                condition=models.Q(name__regex=r"^[a-z][a-z0-9_]{0,63}$"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name
