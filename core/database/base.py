"""Where Django looks for the engine ``core.database``."""

from __future__ import annotations

from typing import Any

from django_prometheus.db.backends.postgresql import base
from typing_extensions import override

from core import db, statements
from core.database.patience import PatientConnection
from core.trail import acting


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-prometheus ships no types
    """A connection whose statements end with the request that sends them, and are watched."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The first one sees a statement first; the last one adds to it what PostgreSQL shall see.
        self.execute_wrappers += [db.within_deadline, acting.told, statements.watched]

    @override
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection from the pool that its server has not ended meanwhile.

        However many of them a restart of PostgreSQL has left in the pool, no request meets one.
        """
        while True:
            connection = super().get_new_connection(conn_params)
            if not isinstance(connection, PatientConnection) or connection.is_sound():
                return connection
            connection.close()
            self.pool.putconn(connection)

    @override
    def _commit(self) -> None:
        acting.forget(self)
        super()._commit()

    @override
    def _rollback(self) -> None:
        acting.forget(self)
        super()._rollback()

    @override
    def _close(self) -> None:
        acting.forget(self)
        super()._close()
