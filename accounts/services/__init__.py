"""What can be done with people's accounts."""

from accounts.services.acceptances import accept_notices, publish_notice
from accounts.services.access import end_every_login, set_active
from accounts.services.api_keys import (
    count_aged_keys,
    create_api_key,
    create_service_key,
    forget_cached_keys,
    revoke_api_key,
    rotate_api_key,
)
from accounts.services.challenges import Question, answer_challenge, ask_for_factor, ask_for_passkey
from accounts.services.doors import require_login_open
from accounts.services.email_changes import ask_for_email_change, confirm_email_change
from accounts.services.emails import comparable_login_name, normalize_email
from accounts.services.enrolments import Enrolment, offer_first_app, repeat_offer, take_first_app
from accounts.services.factors import (
    begin_app,
    begin_passkey,
    confirm_factor,
    must_have_factor,
    remove_all_factors,
    remove_factor,
    set_mfa_enforced,
)
from accounts.services.guessing import counted_guess, limit_requests
from accounts.services.imports import import_people
from accounts.services.invitations import accept_invitation, invite, withdraw_invitation
from accounts.services.key_login import authenticate_key, require_allowed_network
from accounts.services.login import make_device_token, prove_password, verify_login
from accounts.services.password_changes import change_password, reset_password
from accounts.services.passwords import require_strong_password
from accounts.services.people_imports import (
    NewPerson,
    Outcome,
    check_people,
    import_people_now,
    run_people_import,
    start_people_import,
)
from accounts.services.profile import update_profile
from accounts.services.recovery_codes import renew_recovery_codes
from accounts.services.registration import create_staff_user, open_account, verify_email
from accounts.services.roles import sync_roles
from accounts.services.staffing import (
    change_role,
    delete_user,
    force_password_reset,
    lock_user,
    resend_link,
    unlock_user,
    update_person,
)
from accounts.services.strangers import ask_for_reset, ask_for_verification, register_user

__all__ = [
    "Enrolment",
    "NewPerson",
    "Outcome",
    "Question",
    "accept_invitation",
    "accept_notices",
    "answer_challenge",
    "ask_for_email_change",
    "ask_for_factor",
    "ask_for_passkey",
    "ask_for_reset",
    "ask_for_verification",
    "authenticate_key",
    "begin_app",
    "begin_passkey",
    "change_password",
    "change_role",
    "check_people",
    "comparable_login_name",
    "confirm_email_change",
    "confirm_factor",
    "count_aged_keys",
    "counted_guess",
    "create_api_key",
    "create_service_key",
    "create_staff_user",
    "delete_user",
    "end_every_login",
    "force_password_reset",
    "forget_cached_keys",
    "import_people",
    "import_people_now",
    "invite",
    "limit_requests",
    "lock_user",
    "make_device_token",
    "must_have_factor",
    "normalize_email",
    "offer_first_app",
    "open_account",
    "prove_password",
    "publish_notice",
    "register_user",
    "remove_all_factors",
    "remove_factor",
    "renew_recovery_codes",
    "repeat_offer",
    "require_allowed_network",
    "require_login_open",
    "require_strong_password",
    "resend_link",
    "reset_password",
    "revoke_api_key",
    "rotate_api_key",
    "run_people_import",
    "set_active",
    "set_mfa_enforced",
    "start_people_import",
    "sync_roles",
    "take_first_app",
    "unlock_user",
    "update_person",
    "update_profile",
    "verify_email",
    "verify_login",
    "withdraw_invitation",
]
