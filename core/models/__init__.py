"""Tables that belong to no single app."""

from core.models.archives import MonthArchive
from core.models.epochs import Epoch
from core.models.feedback import Report
from core.models.files import StoredFile
from core.models.golive import GoLiveEvidence
from core.models.limits import LimitPlan
from core.models.operations import CircuitBreaker
from core.models.privacy import DataExport, DeletionRequest, LegalHold, PersonalKey
from core.models.records import AuditEvent, IdempotencyKey, OutboxEvent
from core.models.settings import RuntimeSetting
from core.models.traffic import Measurement, TrafficCount
from core.models.trail import AuditChange, AuditSeal
from core.models.webhooks import WebhookDelivery, WebhookEndpoint, WebhookRelay

__all__ = [
    "AuditChange",
    "AuditEvent",
    "AuditSeal",
    "CircuitBreaker",
    "DataExport",
    "DeletionRequest",
    "Epoch",
    "GoLiveEvidence",
    "IdempotencyKey",
    "LegalHold",
    "LimitPlan",
    "Measurement",
    "MonthArchive",
    "OutboxEvent",
    "PersonalKey",
    "Report",
    "RuntimeSetting",
    "StoredFile",
    "TrafficCount",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookRelay",
]
