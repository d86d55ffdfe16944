"""The form of an import: a file, what it has, and the plan that was shown."""

import base64
import binascii
import zlib
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from inventory.interchange.export import CONTENTS
from inventory.interchange.importing import Upload
from inventory.interchange.reading import MAX_BYTES, guess_form
from voipadmin.forms import PageForm

# What a form may carry beside files is limited to 2.5 MB (DATA_UPLOAD_MAX_MEMORY_SIZE).
MAX_PACKED = 2_000_000


class ImportForm(PageForm):
    """A file to look at first; `packed` brings the same file along to the second step."""

    file = forms.FileField(
        allow_empty_file=True,
        error_messages={"required": "Choose a file."},
        help_text=f"CSV or YAML in UTF-8, up to {MAX_BYTES // 1024**2} MiB. Nothing is written "
        "yet: you see first what would change.",
    )
    what = forms.ChoiceField(label="It describes", choices=[*CONTENTS.items()])
    remove_missing = forms.BooleanField(
        required=False,
        label="Remove what the file lacks",
        help_text="Otherwise what the file does not name stays as it is.",
    )
    packed = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(required=False, widget=forms.HiddenInput)
    expected = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, contents: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = not self.data.get("packed")
        choices = [(key, label) for key, label in CONTENTS.items() if key in contents]
        cast("forms.ChoiceField", self.fields["what"]).choices = choices
        if len(choices) == 1:
            self.fields["what"].widget = forms.HiddenInput()
            self.fields["what"].initial = choices[0][0]

    def clean(self) -> dict[str, Any]:
        """Take the file that was chosen, else the one that was shown."""
        super().clean()
        data, file = self.cleaned_data, self.cleaned_data.get("file")
        if isinstance(file, UploadedFile):
            data["data"] = file.read(MAX_BYTES + 1)
            data["name"], data["expected"] = str(file.name), ""
        elif data.get("packed"):
            data["data"] = self._unpacked(data["packed"])
        return data

    def _unpacked(self, packed: str) -> bytes:
        """Return the file that was shown; never more than a file may have."""
        try:
            return zlib.decompressobj().decompress(base64.b64decode(packed), MAX_BYTES + 1)
        except (binascii.Error, zlib.error):
            self.add_error("file", "Choose the file again.")
            return b""

    def upload(self) -> Upload:
        """Return the file as it is meant."""
        data = self.cleaned_data
        form = guess_form(data["data"], data["name"])
        return Upload(data["data"], data["what"], form, data["remove_missing"])


def packed(data: bytes) -> str:
    """Return a file as text for a form, empty when it is too large to be carried along."""
    text = base64.b64encode(zlib.compress(data)).decode()
    return text if len(text) <= MAX_PACKED else ""
