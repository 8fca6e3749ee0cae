"""What we know of people, why, for how long, and how they get it out and get rid of it.

Everything here follows the data map (:mod:`core.privacy.data_map`): each app says of each of its
columns what kind of data it holds, and export, erasure, retention and the redaction of the audit
trail do what the map says.
"""
