"""Choosing one of very many by name: a list to choose from while it can be read, a name to type beyond."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

READABLE = 200
"""More entries make no list that anybody reads, and a page of a megabyte."""
TOLD = 5


class NameField(forms.CharField):
    """One of very many, typed: its name or a part that no other holds. Gives its id, as a choice would."""

    def __init__(self, options: Mapping[str, str], **given: Any) -> None:
        super().__init__(**given)
        self.options = options

    def prepare_value(self, value: Any) -> Any:
        return self.options.get(str(value), value)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text or text in self.options:
            return text
        wanted = text.casefold()
        found = [key for key, name in self.options.items() if name.casefold() == wanted]
        found = found or [key for key, name in self.options.items() if wanted in name.casefold()]
        if not found:
            raise ValidationError(_("Nobody here is called “%(text)s”.") % {"text": text}, code="unknown")
        if len(found) > 1:
            names = ", ".join(self.options[key] for key in found[:TOLD])
            said = _("%(n)d names hold “%(text)s”, among them %(names)s. Write more of the one you mean.")
            raise ValidationError(said % {"n": len(found), "text": text, "names": names}, code="several")
        return found[0]


def offer_choice(form: forms.Form, name: str, options: Mapping[UUID, str], nothing: str = "") -> None:
    """Lets a field of choices choose among ``options``; ``nothing`` is what stands for none of them."""
    field = form.fields[name]
    given = {str(key): label for key, label in options.items()}
    if len(given) > READABLE:
        form.fields[name] = NameField(
            given, label=field.label, required=field.required, help_text=_("Its name, or a part of it"), max_length=200
        )
    elif isinstance(field, forms.ChoiceField):
        field.choices = [*([("", nothing)] if nothing else []), *given.items()]
