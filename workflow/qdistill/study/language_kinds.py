"""Data sets of texts for which a frozen masked language model is adapted."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, computed_field

from qdistill.errors import ConfigurationError
from qdistill.study.dataset_record import DatasetKind, Divided, NotEmpty, Presets, UserPath
from qdistill.study.messages import quoted
from qdistill.study.settings import NON_EMPTY, Natural, Positive, Qubits
from qdistill.study.user_files import COLUMNS, HUB_ID, check_text_path, text_files

BASE = "base"  # name of the data set that a base is trained on
NICHES = ("kjv", "pennylane")
# Installed wherever torch is, so that everyone has them.
GENERAL = (
    *("matplotlib", "networkx", "numpy", "pandas", "scikit-learn", "scipy", "statsmodels"),
    *("sympy", "torch"),
)

Model = Annotated[
    UserPath,
    Field(
        description="`default`, the small BERT that comes with the environment, trained further on "
        "general text; or a masked language model: a folder that transformers saved, or one of "
        "the Hugging Face hub."
    ),
]
Packages = Annotated[
    list[NotEmpty],
    NON_EMPTY,
    Field(description="Installed packages whose docstrings are the general text."),
]
MaxTokens = Annotated[
    int, Field(ge=8, le=8192, description="Most tokens of a window of text, special ones apart.")
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    Field(description="What computes: `auto` takes a GPU where there is one."),
]


class Base(DatasetKind):
    """General texts, and the language model that is trained on them."""

    kind: Literal["base"]
    model: Model
    packages: Packages
    max_tokens: MaxTokens
    steps: Natural
    device: Device
    heldout_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.05
    minimum_characters: Positive = 80
    maximum_characters: Positive = 2_000
    split_seed: Natural = 0

    is_base: ClassVar[bool] = True
    task: ClassVar[str] = "fill masks in general text"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def qubits(self) -> int:
        """None; every data set says how many."""
        return 0


class Language(Divided):
    """Texts of a niche, to which a frozen masked language model is adapted."""

    kind: Literal["language"]
    qubits: Qubits = 6
    niche: UserPath
    """`kjv` (the King James Version), `pennylane` (its docstrings), or own texts: a file or a
    folder."""
    base: Model = "default"
    base_steps: Natural | None = None
    """Steps of training of the base; by default 9,000 for `default` and none for any other."""
    general: Packages = Field(list(GENERAL))
    max_tokens: MaxTokens = 48
    layer: Literal["last", "middle"] = "last"
    """After which layer of the base the bottlenecks stand."""
    output_bias: bool = False
    """Whether every method trains the bias of every token besides."""
    train: Positive = 1_000
    """Most windows to draw the n from."""
    unlabelled: Natural = 1_000
    """Most windows of the pool; as many of general text are the other pool."""
    heldout: Positive = 200
    """Most windows that are measured, and as many of general text."""
    text_column: NotEmpty | None = None
    document_column: NotEmpty | None = None
    minimum_characters: Positive = 20
    maximum_characters: Positive = 100_000
    device: Device = "auto"

    is_language: ClassVar[bool] = True
    task: ClassVar[str] = "adapt a frozen masked-diffusion language model to a niche"
    presets: ClassVar[Presets] = {
        "kjv": {"niche": "kjv"},
        "kjv-bias": {"niche": "kjv", "output_bias": True},
        "pennylane-texts": {"niche": "pennylane"},
    }

    @computed_field  # type: ignore[prop-decorator]
    @property
    def source(self) -> dict[str, Any]:
        """The base, which data sets share that have the same."""
        steps = 9_000 if self.base == "default" else 0
        return {
            "name": BASE,
            "kind": "base",
            "model": self.base,
            "packages": list(self.general),
            "max_tokens": self.max_tokens,
            "steps": steps if self.base_steps is None else self.base_steps,
            "device": self.device,
        }

    def files(self) -> list[str]:
        """List the user's files of texts."""
        return [] if self.niche in NICHES else text_files(self.niche)

    def inspect(self) -> tuple[dict[str, int] | None, int | None]:
        """Check that base and niche are somewhere; how many windows there are is open."""
        is_known = self.base == "default" or Path(self.base).is_dir()
        if not is_known and not HUB_ID.fullmatch(self.base):
            raise ConfigurationError(
                f"configuration: 'base' of '{self.name}': no folder {quoted(self.base)}; give "
                "default, a folder, or a model of the Hugging Face hub as organisation/model"
            )
        if self.niche not in NICHES:
            own = {key: getattr(self, key) for key in COLUMNS if getattr(self, key, None)}
            check_text_path(self.name, self.niche, own)
        return None, None
