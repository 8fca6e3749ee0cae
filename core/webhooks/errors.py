"""What webhooks refuse."""

from __future__ import annotations

from core.errors import DomainError, InvalidInput, NotFound


class EndpointNotFound(NotFound):
    code = "EXTERNAL_WEBHOOK_NOT_FOUND"
    title = "No such webhook endpoint"


class AddressRefused(InvalidInput):
    """Not https, not resolvable, or in a private network."""

    code = "EXTERNAL_ADDRESS_REFUSED"
    title = "We do not call this address"


class TooManyEndpoints(DomainError):
    code = "EXTERNAL_TOO_MANY_WEBHOOKS"
    title = "There are enough webhook endpoints"


class DeadLetterNotFound(NotFound):
    """There is none with this id, or it is not on the list any more."""

    code = "EXTERNAL_DEAD_LETTER_NOT_FOUND"
    title = "No such dead letter"
