"""What is wrong with a platform's file, all of it at once."""

from typing import NamedTuple


class FileFault(NamedTuple):
    """One fault: the file, its line (0 where there is none), the field and what is wrong."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return the fault the way compilers print theirs."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"
        )


class PlatformError(Exception):
    """A platform's data that cannot be used; carries every fault."""

    def __init__(self, faults: list[FileFault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))
