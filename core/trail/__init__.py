"""The audit trail of rows: triggers that write it, seals that prove it, and who is acting."""
