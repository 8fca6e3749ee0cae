"""Backups of the database: taken, proved, brought back and thrown away in time.

Read in this order: :mod:`shelf` (what a backup is on disk), :mod:`taking`, :mod:`wal` (what is
between two backups), :mod:`rebuilding` (a data directory out of them), :mod:`drills` (the proof),
:mod:`rotation` (which may go).
"""
