"""Tables that belong to no single app."""

from core.models.records import AuditEvent, IdempotencyKey, OutboxEvent

__all__ = ["AuditEvent", "IdempotencyKey", "OutboxEvent"]
