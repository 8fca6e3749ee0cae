"""The business work of one transaction as statements of Django's ORM, one after the other."""
