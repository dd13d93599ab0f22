"""What every calibrator is: a frozen document that is written as JSON and read back unchanged."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from auscult.base.errors import DataError


class Calibrator(BaseModel):
    """Base of the fitted calibrators; each leaf adds its numbers, a ``method`` name and ``apply``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def apply(self, values: Any, /) -> Any:
        """Turn raw outputs into what this calibrator promises; shapes are those of the leaf."""

    def to_dict(self) -> dict[str, Any]:
        """Give the document: JSON types only, with the name of the method.

        Returns
        -------
        dict
        """
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read the document that :meth:`to_dict` wrote.

        Parameters
        ----------
        document : mapping
            JSON types.

        Returns
        -------
        Calibrator
            Equal to the one that was written.

        Raises
        ------
        DataError
            A field is missing, unknown or of another type.
        """
        try:
            return cls.model_validate(dict(document))
        except ValidationError as error:
            wrong = sorted({".".join(str(part) for part in item["loc"][:1]) for item in error.errors()})
            raise DataError(
                f"calibration '{cls.__name__}': expected the fields {', '.join(cls.model_fields)} as they "
                f"were written, got something else in {', '.join(wrong)}; build the release again"
            ) from error


def between(below: float, kept: float) -> float:
    """Give a limit half-way between two neighbouring values, so that ``kept >= limit > below``.

    A last-digit difference at serving time then does not turn a validation item over.

    Parameters
    ----------
    below, kept : float
        ``below < kept``.

    Returns
    -------
    float
    """
    middle = below + (kept - below) / 2.0
    return float(middle) if middle > below else float(kept)
