"""What can be wrong with a backup."""

from __future__ import annotations


class BackupFault(Exception):
    """It cannot be made, trusted or restored; the message says why, and nothing was changed."""
