"""The parser of the REST API's bodies."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class StorableJSONParser(JSONParser):
    """JSON whose text is text: halves of a character can be neither stored nor answered."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read a body; raises ParseError."""
        try:
            data = super().parse(stream, media_type, parser_context)
            _check(data)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply.") from None
        except UnicodeEncodeError:
            raise ParseError("JSON parse error - surrogate characters are no text.") from None
        return data


def _check(value: Any) -> None:
    """Raise UnicodeEncodeError for text that UTF-8 cannot write."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check(key)
            _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
