"""What a supplier that was let in by invitation sees first."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class AcceptForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Your company"), max_length=300)
    country = forms.CharField(
        label=gettext_lazy("Country"), min_length=2, max_length=2, help_text=gettext_lazy("Two letters, such as DE.")
    )
    terms = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.BooleanField(label=gettext_lazy("We accept these terms"))


def first_steps(host: str) -> str:
    """The first useful thing: what happens next, and who does it."""
    text = _("%(host)s now confirms which parts of its demand you serve. Its plans and your scores then appear here.")
    return text % {"host": host}
