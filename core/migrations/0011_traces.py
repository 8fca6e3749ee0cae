from django.db import migrations, models

# The ledger's functions write events themselves, in the transaction that has said whose trace it is.
ADD = """
ALTER TABLE outbox_event ADD COLUMN traceparent varchar(55) NOT NULL
    DEFAULT coalesce(current_setting('strongroom.traceparent', true), '')
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0010_traffic")]
    operations = [
        migrations.RunSQL(
            sql=ADD,
            reverse_sql="ALTER TABLE outbox_event DROP COLUMN traceparent",
            state_operations=[
                migrations.AddField(
                    "OutboxEvent",
                    "traceparent",
                    models.CharField(max_length=55, blank=True, default="", editable=False),
                )
            ],
        )
    ]
