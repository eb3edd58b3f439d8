"""Settings of a device that is measured on: which it is, and what it may cost."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, model_validator

from qdistill.errors import ConfigurationError
from qdistill.study.messages import listed, nearest
from qdistill.study.setting_base import Positive, Settings
from qdistill.study.tokens import check_no_secrets

# Whose devices begin so, for who has the name right and the package not.
PLUGINS = {
    "braket.": "amazon-braket-pennylane-plugin",
    "cirq.": "pennylane-cirq",
    "ionq.": "pennylane-ionq",
    "lightning.gpu": "pennylane-lightning-gpu",
    "lightning.kokkos": "pennylane-lightning-kokkos",
    "qiskit.": "pennylane-qiskit",
}
_BESIDE = ("name", "shots", "wires")  # of qml.device, which do not stand among options


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    check_no_secrets(options)
    twice = next((key for key in _BESIDE if key in options), None)
    if twice is not None:
        known = "is known from the circuit" if twice == "wires" else "stands beside `options`"
        raise ValueError(f"'{twice}' {known}")
    return options


Price = Annotated[float, Field(ge=0, le=1e9)]


Option = Annotated[JsonValue, Field(description="An option of `qml.device`.")]


class Device(Settings):
    """A device that held-out rows are measured on, for counts of basis states; null asks none."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
    """Its name in PennyLane, such as `default.qubit`, `default.mixed`, `lightning.qubit`,
    `qiskit.remote` or `braket.aws.qubit`."""
    shots: Positive
    """How often each circuit is measured; one row is one execution."""
    rows: Positive
    """How many held-out rows are measured, the first of them."""
    options: Annotated[dict[str, Option], AfterValidator(_plain)] = Field(default_factory=dict)
    """What `qml.device` is given besides, but for secrets: those come from the environment."""
    max_executions: Positive
    """The most that may be paid for, earlier runs included; what would take more is not begun."""
    price_per_execution: Price | None = None
    """What one execution costs, however many its shots."""
    price_per_shot: Price | None = None
    """What one shot costs besides."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """That of the prices, three letters."""

    @model_validator(mode="after")
    def _has_a_currency(self) -> "Device":
        prices = (self.price_per_execution, self.price_per_shot)
        if self.currency is None and any(price is not None for price in prices):
            raise ValueError("'currency' must be said where a price is")
        return self


def price_of(executions: int, device: Mapping[str, Any]) -> str:
    """Compute what executions cost, in words."""
    each, shot = device.get("price_per_execution"), device.get("price_per_shot")
    if each is None and shot is None:
        return "a price that the configuration does not say"
    cost = executions * ((each or 0) + device["shots"] * (shot or 0))
    return f"{cost:,.2f} {device['currency']}"


def check_installed(name: str) -> None:
    """Validate that PennyLane has a device of a name here.

    Raises ConfigurationError with the package that it needs, or the names that there are.
    """
    known = {entry.name for entry in entry_points(group="pennylane.plugins")}
    if name in known:
        return
    package = next((each for start, each in PLUGINS.items() if name.startswith(start)), None)
    if package is not None:
        try:
            version(package)
        except PackageNotFoundError:
            raise ConfigurationError(
                f"'measurement.device.name': found '{name}', which needs the package {package}"
            ) from None
    raise ConfigurationError(
        f"'measurement.device.name': found '{name}'{nearest(name, known)}; PennyLane has here: "
        f"{listed(sorted(known))}"
    )
