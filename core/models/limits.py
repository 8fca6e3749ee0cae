"""How many requests somebody may make, where staff said so."""

from __future__ import annotations

from typing import ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from typing_extensions import override

REQUESTS_MAX: Final = 10_000_000
WINDOW_S_MAX: Final = 86_400
SCOPE: Final = r"^[a-z][a-z0-9_-]{0,31}(:[0-9a-z._-]{1,64})?$"


class LimitPlan(models.Model):
    """So many requests in so long, for a scope, or with ``scope:id`` for one caller in it."""

    scope = models.CharField(
        primary_key=True,
        max_length=100,
        validators=[RegexValidator(SCOPE, "A scope such as user, or of one caller: key:<id>.")],
        help_text="user, key, stranger, money or another scope; key:<id> or user:<id> for one.",
    )
    requests = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(REQUESTS_MAX)]
    )
    window_s = models.PositiveIntegerField(
        "in seconds", validators=[MinValueValidator(1), MaxValueValidator(WINDOW_S_MAX)]
    )
    changed_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "limit_plan"
        verbose_name = "limit"
        ordering: ClassVar = ["scope"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="limit_plan_scope_has_form", condition=models.Q(scope__regex=SCOPE)
            ),
            models.CheckConstraint(
                name="limit_plan_requests_in_range",
                condition=models.Q(requests__range=(1, REQUESTS_MAX)),
            ),
            models.CheckConstraint(
                name="limit_plan_window_in_range",
                condition=models.Q(window_s__range=(1, WINDOW_S_MAX)),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.scope}: {self.requests} in {self.window_s} s"
