"""The chain of hashes, for whoever compares it with a copy kept elsewhere."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core.admin import ReaderAdmin
from transactions.models import Seal


@admin.register(Seal)
class SealAdmin(ReaderAdmin):
    """Blocks of sealed transactions."""

    list_display = ("number", "sealed_at", "transactions", "hash_read")
    fields = ("number", "sealed_at", "transactions", "hash_read", "previous_hash_read", "last_id")
    readonly_fields = fields

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Seal]:
        return super().get_queryset(request).defer("members")

    @admin.display(description="hash")
    def hash_read(self, seal: Seal) -> str:
        """Show the hash as it is logged."""
        return bytes(seal.hash).hex()

    @admin.display(description="hash before")
    def previous_hash_read(self, seal: Seal) -> str:
        """Show the hash of the seal before."""
        return bytes(seal.previous_hash).hex()
