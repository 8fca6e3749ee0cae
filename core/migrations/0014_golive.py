"""Evidence for going live."""

from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0013_trail"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoLiveEvidence",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("item", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("run", "run"), ("attested", "attested")], max_length=8
                    ),
                ),
                ("has_passed", models.BooleanField(verbose_name="passed")),
                ("by", models.CharField(blank=True, max_length=200, verbose_name="vouched for by")),
                ("note", models.CharField(blank=True, max_length=500)),
                ("recorded_at", models.DateTimeField(verbose_name="recorded")),
                ("expires_at", models.DateTimeField(verbose_name="counts until")),
            ],
            options={
                "verbose_name": "evidence for going live",
                "verbose_name_plural": "evidence for going live",
                "db_table": "golive_evidence",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [models.Index(fields=["item", "-id"], name="golive_evidence_item")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "run"), models.Q(("by", ""), _negated=True), _connector="OR"
                        ),
                        name="golive_evidence_somebody_vouches",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("recorded_at"))),
                        name="golive_evidence_counts_for_a_while",
                    ),
                ],
            },
        ),
        schema.append_only("golive_evidence"),
    ]
