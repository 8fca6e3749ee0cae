"""What goes wrong with local services, in one sentence each."""


class EmbeddedServiceError(Exception):
    """A local service cannot be made or started; the message is meant for the operator."""
