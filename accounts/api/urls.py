"""Paths of the account endpoints below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from accounts.api import (
    api_key_views,
    factor_views,
    import_views,
    invitation_views,
    limit_views,
    notice_views,
    password_views,
    people_views,
    registration_views,
    views,
)

urlpatterns = [
    path("auth/register/", registration_views.RegisterView.as_view(), name="register"),
    path("auth/verify-email/", registration_views.VerifyEmailView.as_view(), name="verify-email"),
    path(
        "auth/verify-email/resend/",
        registration_views.ResendVerificationView.as_view(),
        name="verify-email-resend",
    ),
    path("auth/password/forgot/", password_views.ForgotPasswordView.as_view(), name="forgot"),
    path("auth/password/reset/", password_views.ResetPasswordView.as_view(), name="reset"),
    path(
        "auth/password/change/", password_views.ChangePasswordView.as_view(), name="change-password"
    ),
    path("auth/email/confirm/", views.ConfirmEmailView.as_view(), name="confirm-email"),
    path("me/email/", views.MyEmailView.as_view(), name="my-email"),
    path("rate-limit/", limit_views.RateLimitView.as_view(), name="rate-limit"),
    path("notices/", notice_views.NoticesView.as_view(), name="notices"),
    path("me/notices/", notice_views.MyNoticesView.as_view(), name="my-notices"),
    path("me/", views.MeView.as_view(), name="me"),
    path("users/import/", import_views.ImportPeopleView.as_view(), name="users-import"),
    path("imports/<uuid:import_id>/", import_views.ImportView.as_view(), name="import"),
    path("me/mfa/factors/", factor_views.FactorsView.as_view(), name="factors"),
    path("me/mfa/factors/<uuid:factor_id>/", factor_views.FactorView.as_view(), name="factor"),
    path(
        "me/mfa/factors/<uuid:factor_id>/confirm/",
        factor_views.ConfirmFactorView.as_view(),
        name="factor-confirm",
    ),
    path(
        "me/mfa/recovery-codes/",
        factor_views.RecoveryCodesView.as_view(),
        name="recovery-codes",
    ),
    path("users/", people_views.PeopleView.as_view(), name="users"),
    path("users/<uuid:user_id>/", people_views.PersonView.as_view(), name="user"),
    path("users/<uuid:user_id>/lock/", people_views.LockView.as_view(), name="user-lock"),
    path("users/<uuid:user_id>/unlock/", people_views.UnlockView.as_view(), name="user-unlock"),
    path("users/<uuid:user_id>/resend/", people_views.ResendView.as_view(), name="user-resend"),
    path("users/<uuid:user_id>/role/", people_views.RoleView.as_view(), name="user-role"),
    path(
        "users/<uuid:user_id>/force-reset/",
        people_views.ForceResetView.as_view(),
        name="user-force-reset",
    ),
    path("invitations/", invitation_views.InvitationsView.as_view(), name="invitations"),
    path(
        "invitations/accept/",
        invitation_views.AcceptInvitationView.as_view(),
        name="accept-invitation",
    ),
    path(
        "invitations/<uuid:invitation_id>/",
        invitation_views.InvitationView.as_view(),
        name="invitation",
    ),
    path("scopes/", api_key_views.ScopesView.as_view(), name="scopes"),
    path("me/api-keys/", api_key_views.ApiKeysView.as_view(), name="api-keys"),
    path("me/api-keys/<uuid:key_id>/", api_key_views.ApiKeyView.as_view(), name="api-key"),
    path(
        "me/api-keys/<uuid:key_id>/rotate/",
        api_key_views.RotateApiKeyView.as_view(),
        name="api-key-rotate",
    ),
]
