"""How staff change settings while everything runs."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from typing_extensions import override

from core import runtime_settings
from core.admin.reader import ReaderAdmin
from core.confirmation import ReasonForm, press
from core.models import RuntimeSetting
from core.principals import of_staff
from core.runtime_settings import Setting, Value

_YES_OR_NO: Final = (("yes", "yes"), ("no", "no"))


class SettingForm(forms.ModelForm, ReasonForm):
    """The new value, by the setting's own kind, and why."""

    class Meta:
        model = RuntimeSetting
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        setting = runtime_settings.named(self.instance.name)
        self.fields["value"] = _field(setting)
        self.order_fields(("value", "reason"))

    def clean_value(self) -> str:
        """Take what the setting allows."""
        text = str(self.cleaned_data["value"])
        try:
            runtime_settings.named(self.instance.name).parse(text.strip())
        except ValueError as exc:
            raise forms.ValidationError(str(exc)) from exc
        return text


def _field(setting: Setting[Any]) -> forms.Field:
    shown = _in_words(setting.value)
    if setting.kind is bool:
        return forms.ChoiceField(choices=_YES_OR_NO, initial=shown)
    if setting.choices:
        return forms.ChoiceField(choices=[(c, c) for c in setting.choices], initial=shown)
    return forms.CharField(
        initial=shown, required=setting.kind is int, help_text=setting.allowed.capitalize() + "."
    )


def _in_words(value: Value) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


@admin.register(RuntimeSetting)
class RuntimeSettingAdmin(ReaderAdmin):
    """What may be changed while everything runs; it holds everywhere within ten seconds."""

    form = SettingForm
    list_display = ("name", "holds_now", "default", "is_changed", "about", "changed_at")
    readonly_fields = ("name", "about", "allowed", "default", "changed_at")
    fields = (*readonly_fields, "value", "reason")
    actions = ("restore",)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(runtime_settings.CHANGE))

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        known = [setting.name for setting in runtime_settings.declared()]
        return super().get_queryset(request).filter(name__in=known)

    @override
    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The form finds its fields by the row: Django would look for them on the model.
        return SettingForm if self.has_change_permission(request, obj) else forms.ModelForm

    @override
    def save_model(
        self, request: HttpRequest, obj: RuntimeSetting, form: ModelForm, change: bool
    ) -> None:
        runtime_settings.change_setting(
            name=obj.name,
            text=form.cleaned_data["value"],
            actor=of_staff(request.user),
            reason=form.cleaned_data["reason"],
        )

    @admin.action(description="Go back to the default", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Forget what staff said about the chosen settings."""
        return press(
            self,
            request,
            queryset,
            lambda row, reason: runtime_settings.restore_default(
                name=row.name, actor=of_staff(request.user), reason=reason
            ),
            title="Go back to the default",
            question="These settings get their defaults back, everywhere within ten seconds.",
            done="has its default back",
        )

    @admin.display(description="now")
    def holds_now(self, row: RuntimeSetting) -> str:
        setting = runtime_settings.named(row.name)
        return _in_words(setting.default_value if row.value is None else row.value)

    @admin.display(description="default")
    def default(self, row: RuntimeSetting) -> str:
        return _in_words(runtime_settings.named(row.name).default_value)

    @admin.display(description="changed by staff", boolean=True)
    def is_changed(self, row: RuntimeSetting) -> bool:
        return row.value is not None

    @admin.display(description="what it does")
    def about(self, row: RuntimeSetting) -> str:
        return runtime_settings.named(row.name).about

    @admin.display(description="may be")
    def allowed(self, row: RuntimeSetting) -> str:
        return runtime_settings.named(row.name).allowed
