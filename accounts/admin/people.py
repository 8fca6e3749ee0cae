"""How staff look after people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from typing_extensions import override

from accounts import constants, services
from accounts.models import OneTimeToken, User
from core.admin import ReaderAdmin
from core.confirmation import ReasonForm, press
from core.errors import DomainError
from core.fields import UUID_TEXT
from core.principals import of_staff

admin.site.unregister(Group)


class InviteForm(forms.Form):
    """Who is let in. Nobody here chooses or sees the password."""

    email = forms.CharField(
        label="E-mail address",
        max_length=constants.EMAIL_LENGTH_MAX,
        help_text="Gets a link that works once, for seven days.",
    )
    name = forms.CharField(required=False, max_length=constants.NAME_LENGTH_MAX)


class RoleForm(ReasonForm):
    """What somebody may do here from now on."""

    role = forms.ChoiceField(
        required=False,
        choices=[("", "none: no staff"), *((role, role) for role in constants.ROLE_PERMISSIONS)],
    )


class StateFilter(admin.SimpleListFilter):
    """Can this person log in?"""

    title = "state"
    parameter_name = "state"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("active", "can log in"),
            ("locked", "locked out"),
            ("unverified", "address not confirmed"),
        ]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = self.value()
        people: Any = queryset
        return people.in_state(state) if state in constants.PEOPLE_STATES else queryset


@admin.register(User)
class UserAdmin(ReaderAdmin):
    """People. Staff never see or set a password."""

    list_display = ("email", "name", "state", "locked_at", "is_staff", "created_at")
    list_filter = (StateFilter, "is_staff", "groups")
    fields = (
        *("id", "email", "email_verified_at", "username", "name", "locale"),
        *("state", "locked_at", "lock_reason", "deleted_at"),
        *(
            "is_staff",
            "mfa_enforced",
            "groups",
            "public_metadata",
            "private_metadata",
            "created_at",
        ),
    )
    search_fields = ("email_normalized",)
    search_help_text = "An e-mail address, the beginning of one, a user name, or an id."
    actions = (
        "lock_out",
        "let_in",
        "force_reset",
        "send_link",
        "require_factor",
        "allow_without_factor",
        "give_role",
        "close_account",
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people: QuerySet[Any] = User.objects.people()
        return people

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words)
        folded = words.casefold()
        return rows.filter(email_normalized__startswith=folded) | rows.filter(
            username_normalized=folded
        )

    @override
    def get_urls(self) -> list[URLPattern]:
        invite = path(
            "invite/", self.admin_site.admin_view(self.invite), name="accounts_user_invite"
        )
        return [invite, *super().get_urls()]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_invite = request.user.has_perm("accounts.add_user")
        shown: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "may_invite": may_invite}
        )
        return shown

    @admin.action(description="Require a second factor", permissions=["act"])
    def require_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Ask the chosen people for two proofs; who has one only can add another."""
        self._set_mfa_enforced(request, queryset, is_enforced=True)

    @admin.action(description="Do not require a second factor", permissions=["act"])
    def allow_without_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Leave it to the chosen people whether they have a second factor."""
        self._set_mfa_enforced(request, queryset, is_enforced=False)

    def _set_mfa_enforced(
        self, request: HttpRequest, people: QuerySet[User], *, is_enforced: bool
    ) -> None:
        actor = of_staff(request.user)
        for user in people:
            services.set_mfa_enforced(user=user, is_enforced=is_enforced, actor=actor)
        done = "must have" if is_enforced else "may have"
        self.message_user(request, f"{len(people)} people {done} a second factor.")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm("accounts.change_user")

    @override
    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        buttons = [
            (name, description)
            for _, name, description in filter(None, self.get_actions(request).values())
        ]
        shown: HttpResponse = super().render_change_form(
            request, {**context, "buttons": buttons}, *args, **kwargs
        )
        return shown

    @admin.display(description="state")
    def state(self, user: User) -> str:
        """Say in a few words whether this person can log in, and why not."""
        if user.deleted_at is not None:
            return "closed"
        if user.locked_at is not None:
            return "locked out"
        if user.email_verified_at is None:
            invited = not is_password_usable(user.password)
            return "invited, no answer yet" if invited else "address not confirmed"
        if not is_password_usable(user.password):
            return "must choose a new password"
        if user.has_one_time_password:
            return "must choose a password of their own"
        return "can log in" if user.is_active else "cannot log in"

    def invite(self, request: HttpRequest) -> HttpResponse:
        """Ask for an address and mail it an invitation."""
        if not request.user.has_perm("accounts.add_user"):
            raise PermissionDenied
        form = InviteForm(request.POST or None)
        if form.is_valid():
            try:
                services.invite(**form.cleaned_data, actor=of_staff(request.user))
            except DomainError as exc:
                form.add_error(None, exc.detail)
            else:
                self.message_user(request, "The invitation is on its way.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:accounts_user_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Invite somebody",
            "form": form,
        }
        return TemplateResponse(request, "admin/accounts/user/invite.html", context)

    @admin.action(description="Lock out", permissions=["lock"])
    def lock_out(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Lock the chosen people out."""
        return self._do(
            request,
            queryset,
            services.lock_user,
            question="They cannot log in any more, and all their devices are logged out now. "
            "They get a mail that it happened, not why.",
        )

    @admin.action(description="Let in again", permissions=["lock"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Let the chosen people in again."""
        return self._do(
            request,
            queryset,
            services.unlock_user,
            question="They can log in again, with the password they had, and get a mail.",
        )

    @admin.action(description="Make them choose a new password", permissions=["help"])
    def force_reset(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Switch the chosen people's passwords off."""
        return self._do(
            request,
            queryset,
            services.force_password_reset,
            question="Their passwords stop working and all their devices are logged out now. "
            "They get a mail with a link to choose a new password.",
        )

    @admin.action(description="Send the confirmation or invitation again", permissions=["help"])
    def send_link(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Mail the chosen people the link they still have to use."""
        return self._do(
            request,
            queryset,
            services.resend_link,
            question="They get a new mail, and the links in older ones stop working.",
        )

    @admin.action(description="Give a role, or none", permissions=["act"])
    def give_role(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Make the chosen people staff with one role, or no staff at all."""
        actor = of_staff(request.user, session=request.session)
        return press(
            self,
            request,
            queryset,
            lambda user, reason, role: services.change_role(
                user_id=user.pk, role=role or None, reason=reason, actor=actor
            ),
            title="Give a role, or none",
            question="What they may do here changes with their next click.",
            done="- done",
            form_class=RoleForm,
        )

    @admin.action(description="Close the account", permissions=["close"])
    def close_account(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Close the accounts of the chosen people."""
        return self._do(
            request,
            queryset,
            services.delete_user,
            question="This cannot be undone: they can never log in again, and all their devices "
            "are logged out now. What they paid and received stays in the books. They get a mail.",
        )

    def has_close_permission(self, request: HttpRequest) -> bool:
        """Return whether the button for closing accounts is there."""
        return request.user.has_perm("accounts.delete_user")

    def has_lock_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons for locking are there."""
        return request.user.has_perm("accounts.lock_user")

    def has_help_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons for helping are there."""
        return request.user.has_perm("accounts.help_user")

    def _do(
        self,
        request: HttpRequest,
        people: QuerySet[User],
        deed: Callable[..., User | None],
        *,
        question: str,
    ) -> HttpResponse | None:
        actor = of_staff(request.user, session=request.session)
        found = self.get_actions(request)[request.POST["action"]]
        assert found is not None, "Django offers only what it found"
        title = str(found[2])
        return press(
            self,
            request,
            people,
            lambda user, reason: deed(user_id=user.pk, reason=reason, actor=actor),
            title=title,
            question=question,
            done="- done",
        )


@admin.register(OneTimeToken)
class OneTimeTokenAdmin(ReaderAdmin):
    """Links that were mailed. Nobody but their owner has the links themselves."""

    list_display = ("user", "purpose", "created_at", "expires_at", "consumed_at")
    list_filter = ("purpose", ("consumed_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    fields = ("id", *list_display)
    search_fields = ("id",)
    search_help_text = "The e-mail address or id of a person."
    actions = ("withdraw",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words) | rows.filter(user_id=words)
        return rows.filter(user__email_normalized=words.casefold())

    @admin.action(description="Withdraw invitations", permissions=["invite"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[OneTimeToken]) -> Any:
        """Let the chosen invitations open nothing any more."""
        actor = of_staff(request.user, session=request.session)
        return press(
            self,
            request,
            queryset,
            lambda link, reason: services.withdraw_invitation(
                invitation_id=link.pk, reason=reason, actor=actor
            ),
            title="Withdraw invitations",
            question="The links in these invitations stop working.",
            done="- withdrawn",
        )

    def has_invite_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("accounts.add_user")


@admin.register(Group)
class RoleAdmin(ReaderAdmin):
    """Roles; the table in the code says what each may do."""

    list_display = ("name",)
    search_fields = ()
