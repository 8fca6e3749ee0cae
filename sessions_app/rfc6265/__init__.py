"""A cookie user agent by RFC 6265bis, without storage of its own.

Section numbers are those of draft-ietf-httpbis-rfc6265bis-22; `Partitioned` is that of
draft-cutler-httpbis-partitioned-cookies. Nothing here knows a database, a request or the time.
"""
