"""The choices of an uploader for a run; stored with the run as JSON."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.column_names import match_name
from shared.contracts.split import parse_split
from shared.contracts.vocabulary import (
    DEFAULT_FILL,
    DEFAULT_MODE,
    DEFAULT_OUTLIER_METHOD,
    DEFAULT_OUTLIER_STRATEGY,
    DEFAULT_PRIVACY,
    ChosenType,
    ColumnRole,
    ContractMode,
    FillPolicy,
    Mode,
    OutlierMethod,
    OutlierStrategy,
    PrivacyMethod,
)

NO_TARGET = "none"
"""The target of a table that has none."""
ALL_COLUMNS = "*"
"""In the place of a name: every column that is not named."""
ROLE_TYPES: Mapping[ColumnRole, ChosenType] = MappingProxyType({"identifier": "identifier", "time": "timestamp"})
"""The types that follow from roles."""


class ReadOptions(BaseModel):
    """How a file is to be read; None where the service detects it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    delimiter: str | None = None
    """The separator of two cells: one character."""
    encoding: str | None = None
    """A character encoding that Python knows."""
    header_row: int | None = None
    """The line in which the header begins, from 1; 0 where the file has none."""
    sheet: str | None = None
    """Of a workbook a sheet by name or number from 1, a range (`Sales!B2:F40`) or `*`; of a JSON object a key."""
    likely_encoding: str | None = None
    """The encoding of a similar file, for one that is not UTF-8."""

    def or_like(self, other: "ReadOptions") -> "ReadOptions":
        """Return the options with what they leave to the service taken from those of a similar file."""
        taken = {name: value for name, value in other if name != "encoding" and getattr(self, name) is None}
        return self.model_copy(update={**taken, "likely_encoding": other.encoding or other.likely_encoding})


class Revision(BaseModel):
    """What users change of a recipe: the steps that are switched off, parameters, further steps, and single cells."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    base: str
    """The folder of the artifacts with the recipe as it was proposed, or of that which is proposed anew."""
    is_anew: bool = False
    """True if a recipe is proposed anew, because columns are chosen to be something else; what users changed of the one
    in the base then goes with it, and the places of steps do not count."""
    off: tuple[int, ...] = ()
    """The places of all steps that are switched off, from 1."""
    parameters: Mapping[int, Mapping[str, Any]] = Field(default_factory=dict)
    """The parameters that users have set, by the places of their steps."""
    added: tuple[Mapping[str, Any], ...] = ()
    """The steps that users have added behind those of the recipe, as JSON."""
    cells: tuple[tuple[int, str], ...] = ()
    """Cells of the cleaned table that stay as they are read: rows of the decoded table, from 1, and columns."""


class RunOptions(BaseModel):
    """The choices that steer a preparation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Mode = DEFAULT_MODE
    """The proposer of the steps: rules alone, or with a language model's help."""
    outlier_method: OutlierMethod = DEFAULT_OUTLIER_METHOD
    """The method that finds outliers."""
    outlier_strategy: OutlierStrategy = DEFAULT_OUTLIER_STRATEGY
    """The treatment of outliers."""
    fill: FillPolicy = DEFAULT_FILL
    """The missing cells of the cleaned table that are filled."""
    target: str | None = None
    """The column a model will predict; None lets the service detect it."""
    types: Mapping[str, ChosenType] = Field(default_factory=dict)
    """The types of columns that the uploader named."""
    roles: Mapping[str, ColumnRole] = Field(default_factory=dict)
    """What columns are for."""
    outlier_strategies: Mapping[str, OutlierStrategy] = Field(default_factory=dict)
    """The treatment of outliers in single columns."""
    units: Mapping[str, str] = Field(default_factory=dict)
    """The unit that the numbers of a column are in, and into which others are converted."""
    privacy: PrivacyMethod = DEFAULT_PRIVACY
    """What is done with columns of personal data."""
    column_privacy: Mapping[str, PrivacyMethod] = Field(default_factory=dict)
    """What is done with single columns as personal data; one to `keep` is shown to a language model too."""
    contract: Mapping[str, ContractMode] = Field(default_factory=dict)
    """What happens where another file disagrees with the recipe, by column; `*` for all that are not named."""
    split: str | None = None
    """The rows that are held out: `0.2`, `fold=test` or `day>=2026-02-01`; None for no such part."""
    review: bool = False
    """True if the preparation ends as a proposal, which completes once it is applied."""
    recipe_of: str | None = None
    """The id of the dataset whose recipe is repeated; None for a recipe of its own."""
    recipe: str | None = None
    """The id of the stored recipe that is repeated, or `sha256:` and the hash of one that was sent."""
    revision: Revision | None = None
    """The steps of an earlier recipe that are switched off; None for a recipe that is proposed or repeated."""
    author: str | None = None
    """The user who asked for another preparation or a revision; None for the upload's own."""
    reading: ReadOptions = ReadOptions()

    @property
    def is_hashing(self) -> bool:
        """True if columns may have to be hashed, which needs the key of the owner."""
        return "hash" in (self.privacy, *self.column_privacy.values())

    @property
    def is_replay(self) -> bool:
        """True if a recipe is repeated."""
        return self.recipe_of is not None or self.recipe is not None

    def named_columns(self) -> dict[str, tuple[str, ...]]:
        """Return the names of columns in each option that has some."""
        has_target = self.target is not None and self.target.strip().casefold() != NO_TARGET
        target = (str(self.target),) if has_target else ()
        by_column = ("types", "roles", "outlier_strategies", "units", "column_privacy", "contract")
        names = {option: tuple(name for name in getattr(self, option) if name != ALL_COLUMNS) for option in by_column}
        column = parse_split(self.split).column if self.split is not None else ""
        return {"target": target, "split": (column,) if column else (), **names}

    def resolve(self, names: Sequence[str]) -> "RunOptions":
        """Return the options with the names that the table has; a role names the target and the type of its column.

        Args:
            names: the columns of the table. Names that are not among them stay as they are.
        """
        meant = {name: match_name(name, names) or name for group in self.named_columns().values() for name in group}
        roles = {meant[name]: role for name, role in self.roles.items()}
        types = {name: ROLE_TYPES[role] for name, role in roles.items() if role in ROLE_TYPES}
        return self.model_copy(
            update={
                "target": next(
                    (name for name, role in roles.items() if role == "target"),
                    meant.get(self.target or "", self.target),
                ),
                "types": {**types, **{meant[name]: kind for name, kind in self.types.items()}},
                "roles": roles,
                "outlier_strategies": {meant[name]: word for name, word in self.outlier_strategies.items()},
                "units": {meant[name]: unit for name, unit in self.units.items()},
                "column_privacy": {meant[name]: method for name, method in self.column_privacy.items()},
                "contract": {meant.get(name, name): mode for name, mode in self.contract.items()},
            }
        )

    def columns_of(self, roles: Collection[ColumnRole]) -> frozenset[str]:
        """Return the columns that have one of the roles."""
        return frozenset(name for name, role in self.roles.items() if role in roles)

    def to_json(self) -> dict[str, Any]:
        """Return the options as they are stored; what was left to the service is absent."""
        return self.model_dump(mode="json", exclude_none=True)
