"""How staff enter the admin: the same proofs, limits and second factors as the API.

One address, a few pages: e-mail and password; then a code or a passkey; or, for staff who must have
a second factor and have none, an authenticator app to add and the recovery codes it brings. What
was proved travels from page to page in a hidden field that is worth nothing anywhere else.
"""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import login
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import constants, device_tokens, selectors, services
from accounts.errors import ChallengeEnded, LoginRefused
from accounts.models import User
from accounts.services import Enrolment
from core import errors
from sessions_app.constants import ASSURANCE_LEVEL

BACKEND: Final = "accounts.backends.StaffBackend"
DEVICE_COOKIE: Final = "staff-device"
_SECRETS: Final = ("password", "code", "challenge", "credential", "enrolment")


def has_proved_enough(request: HttpRequest) -> bool:
    """Return whether somebody in the admin has proved two things, or need not.

    Who added a second factor meanwhile proves it: a session from before then is not enough.
    """
    user = request.user
    assert isinstance(user, User), "the admin lets nobody else in"
    level: int = request.session.get(ASSURANCE_LEVEL, 1)
    if level > 1:
        return True
    return not (services.must_have_factor(user) or selectors.has_factor(user_id=user.pk))


class PasswordForm(forms.Form):
    """The first page."""

    username = forms.CharField(
        label="E-mail or user name",
        max_length=constants.EMAIL_LENGTH_MAX,
        widget=forms.TextInput({"autofocus": True, "autocomplete": "username"}),
    )
    password = forms.CharField(
        strip=False,
        max_length=constants.PASSWORD_BYTES_MAX,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class FactorForm(forms.Form):
    """The second page: a code, or in the hidden field what a passkey answered."""

    code = forms.CharField(
        required=False,
        max_length=constants.FACTOR_CODE_LENGTH_MAX,
        widget=forms.TextInput({"autofocus": True, "autocomplete": "one-time-code"}),
    )
    credential = forms.JSONField(required=False, widget=forms.HiddenInput)

    def clean_credential(self) -> dict[str, Any] | None:
        """Take an object or nothing."""
        given: object = self.cleaned_data["credential"]
        if given is not None and not isinstance(given, dict):
            raise forms.ValidationError("Not what a passkey answers.")
        return given


@method_decorator([sensitive_post_parameters(*_SECRETS), never_cache], name="dispatch")
class StaffLoginView(RedirectURLMixin, View):
    """Every page of the way in; the posted fields say which one it was."""

    next_page = "admin:index"
    site: AdminSite | None = None

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the first page to whoever is not in yet."""
        if self._site.has_permission(request):
            return HttpResponseRedirect(self.get_success_url())
        return self._password_page(PasswordForm())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Go on from the page that was posted."""
        try:
            if "enrolment" in request.POST:
                return self._take_app(request.POST["enrolment"])
            if "challenge" in request.POST:
                return self._take_factor(request.POST["challenge"])
            return self._take_password()
        except ChallengeEnded as exc:
            return self._password_page(PasswordForm(), refusal=exc)

    def _take_password(self) -> HttpResponseBase:
        form = PasswordForm(self.request.POST)
        if not form.is_valid():
            return self._password_page(form)
        try:
            user = self._staff_of(form.cleaned_data)
        except errors.DomainError as exc:
            return self._password_page(form, refusal=exc)
        question = services.ask_for_factor(user=user)
        if question is not None:
            return self._factor_page(question.token, FactorForm(), passkey=question.passkey)
        if services.must_have_factor(user):
            return self._app_page(services.offer_first_app(user=user), FactorForm())
        return self._enter(user, HttpResponseRedirect(self.get_success_url()), assurance_level=1)

    def _staff_of(self, given: dict[str, str]) -> User:
        user = services.verify_login(
            email=given["username"],
            password=given["password"],
            device_token=self.request.COOKIES.get(DEVICE_COOKIE, "")[: device_tokens.LENGTH_MAX],
        )
        if not user.is_staff:
            raise LoginRefused("The e-mail or the password is wrong.")
        return user

    def _take_factor(self, token: str) -> HttpResponseBase:
        form = FactorForm(self.request.POST)
        if not form.is_valid():
            return self._factor_page(token, form)
        try:
            user = services.answer_challenge(
                token=token, purpose=constants.LOGIN, **form.cleaned_data
            )
        except ChallengeEnded:
            raise
        except errors.DomainError as exc:
            return self._factor_page(token, form, refusal=exc)
        return self._enter(user, HttpResponseRedirect(self.get_success_url()), assurance_level=2)

    def _take_app(self, token: str) -> HttpResponseBase:
        form = FactorForm(self.request.POST)
        if not form.is_valid():
            return self._app_page(services.repeat_offer(token=token), form)
        try:
            user, codes = services.take_first_app(token=token, code=form.cleaned_data["code"])
        except ChallengeEnded:
            raise
        except errors.DomainError as exc:
            return self._app_page(services.repeat_offer(token=token), form, refusal=exc)
        page = self._page("admin/login_codes.html", codes=codes, go_on=self.get_success_url())
        return self._enter(user, page, assurance_level=2)

    def _enter(self, user: User, answer: HttpResponse, *, assurance_level: int) -> HttpResponse:
        if not user.is_staff:
            raise ChallengeEnded("Log in again.")
        login(self.request, user, backend=BACKEND)
        self.request.session[ASSURANCE_LEVEL] = assurance_level
        answer.set_cookie(
            DEVICE_COOKIE,
            services.make_device_token(user=user),
            max_age=int(device_tokens.AGE_MAX.total_seconds()),
            path=f"/{settings.ENV.admin_path}/",
            secure=settings.ENV.is_production_like,
            httponly=True,
            samesite="Strict",
        )
        return answer

    def _password_page(
        self, form: PasswordForm, *, refusal: errors.DomainError | None = None
    ) -> TemplateResponse:
        return self._page("admin/login.html", form=form, refusal=refusal)

    def _factor_page(
        self,
        challenge: str,
        form: FactorForm,
        *,
        passkey: dict[str, Any] | None = None,
        refusal: errors.DomainError | None = None,
    ) -> TemplateResponse:
        return self._page(
            "admin/login_factor.html",
            challenge=challenge,
            form=form,
            passkey=passkey,
            refusal=refusal,
        )

    def _app_page(
        self,
        enrolment: Enrolment,
        form: FactorForm,
        *,
        refusal: errors.DomainError | None = None,
    ) -> TemplateResponse:
        return self._page("admin/login_app.html", enrolment=enrolment, form=form, refusal=refusal)

    def _page(
        self, template: str, *, refusal: errors.DomainError | None = None, **facts: Any
    ) -> TemplateResponse:
        facts |= self._site.each_context(self.request)
        facts |= {"title": "Log in", "next": self.get_redirect_url(), "refusal": refusal}
        facts["app_path"] = self.request.path
        # A wrong password is shown in a page; only what a program should notice has a status.
        is_busy = refusal is not None and refusal.retry_after_s is not None
        page = TemplateResponse(
            self.request, template, facts, status=refusal.status if refusal and is_busy else 200
        )
        if refusal is not None and refusal.retry_after_s is not None:
            page["Retry-After"] = str(refusal.retry_after_s)
        return page

    @property
    def _site(self) -> AdminSite:
        assert self.site is not None, "as_view() is given one"
        return self.site
