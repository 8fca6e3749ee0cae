"""Telling others what happened, by the Standard Webhooks specification.

``endpoints`` is who is told, ``relay`` hands events out and sends them, ``dead_letters`` is what
could not be told and what staff do about it.
"""
