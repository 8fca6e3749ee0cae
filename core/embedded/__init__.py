"""PostgreSQL and Valkey of our own, for a machine on which nothing is installed.

Real servers from Python wheels, private to one folder, on Unix sockets only. Knows nothing of
Django.
"""
