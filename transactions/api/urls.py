"""Paths of the money endpoints below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from transactions.api import (
    bulk,
    event_views,
    exchanges,
    holds,
    notes,
    reconciliations,
    report_views,
    reversals,
    schedules,
    seal_views,
    transaction_views,
    views,
)

ACCOUNT = "ledger-accounts/<uuid:account_id>"
RECONCILIATION = "reconciliations/<uuid:reconciliation_id>"

urlpatterns = [
    path("ledgers/", views.LedgersView.as_view(), name="ledgers"),
    path("assets/", views.AssetsView.as_view(), name="assets"),
    path("ledger-accounts/", views.LedgerAccountsView.as_view(), name="ledger-accounts"),
    path(f"{ACCOUNT}/", views.LedgerAccountView.as_view(), name="ledger-account"),
    path(f"{ACCOUNT}/close/", views.CloseView.as_view(), name="ledger-account-close"),
    path(f"{ACCOUNT}/balance/", views.BalanceView.as_view(), name="balance"),
    path(f"{ACCOUNT}/entries/", views.EntriesView.as_view(), name="entries"),
    path(f"{ACCOUNT}/statement/", transaction_views.StatementView.as_view(), name="statement"),
    path("holds/", holds.HoldsView.as_view(), name="holds"),
    path("holds/<uuid:hold_id>/", holds.HoldView.as_view(), name="hold"),
    path("holds/<uuid:hold_id>/capture/", holds.CaptureView.as_view(), name="hold-capture"),
    path("holds/<uuid:hold_id>/release/", holds.ReleaseView.as_view(), name="hold-release"),
    path("transactions/", transaction_views.TransactionsView.as_view(), name="transactions"),
    path("exchanges/", exchanges.ExchangesView.as_view(), name="exchanges"),
    path("schedules/", schedules.SchedulesView.as_view(), name="schedules"),
    path("schedules/<uuid:schedule_id>/", schedules.ScheduleView.as_view(), name="schedule"),
    path(
        "transactions/<uuid:transaction_id>/notes/",
        notes.NotesView.as_view(),
        name="transaction-notes",
    ),
    path("transactions/bulk/", bulk.BulkView.as_view(), name="transactions-bulk"),
    path(
        "transactions/validate/",
        transaction_views.ValidateView.as_view(),
        name="transactions-validate",
    ),
    path(
        "transactions/<uuid:transaction_id>/reverse/",
        reversals.ReverseView.as_view(),
        name="transaction-reverse",
    ),
    path(
        "transactions/<uuid:transaction_id>/",
        transaction_views.TransactionView.as_view(),
        name="transaction",
    ),
    path("trial-balance/", report_views.TrialBalanceView.as_view(), name="trial-balance"),
    path("reconciliations/", reconciliations.ReconciliationsView.as_view(), name="reconciliations"),
    path(f"{RECONCILIATION}/", reconciliations.ReconciliationView.as_view(), name="reconciliation"),
    path(
        f"{RECONCILIATION}/lines/",
        reconciliations.ReconciliationLinesView.as_view(),
        name="reconciliation-lines",
    ),
    path(
        f"{RECONCILIATION}/lines/<uuid:line_id>/resolve/",
        reconciliations.ResolveView.as_view(),
        name="reconciliation-resolve",
    ),
    path("seals/head/", seal_views.SealHeadView.as_view(), name="seal-head"),
    path("seals/verify/", seal_views.SealVerifyView.as_view(), name="seal-verify"),
    path("events/", event_views.EventsView.as_view(), name="events"),
]
