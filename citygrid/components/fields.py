"""Types of component fields: quantities with units at the door, hourly values, places.

A field declared ``heat: Power`` takes ``"700 kW"`` and holds ``700.0``; ``price: HourlyPrice``
takes a quantity or a reference to a series. The unit, bounds and JSON Schema of a field all come
from its type, so a component file states them once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from citygrid.units import EXAMPLES, parse


@dataclass(frozen=True)
class Measure:
    """Marks a quantity in a canonical unit; ``hourly`` ones become (component × time).

    ``minimum`` and ``maximum`` bound the value, and every value of a series where the field is
    hourly; a ``quiet`` quantity holds in the district's quiet hours and is 1 in all others.
    """

    unit: str
    hourly: bool = False
    minimum: float | None = 0.0
    quiet: bool = False
    maximum: float | None = None


@dataclass(frozen=True)
class Text:
    """Marks a field as text that the mathematics needs, such as a node's name; ``node`` says so."""

    node: bool = False


def marks(field: Any) -> list[Any]:
    """Marks of a model's field, also those inside ``Power | None``."""
    found = list(field.metadata)
    for inner in getattr(field.annotation, "__args__", ()):
        found += getattr(inner, "__metadata__", ())
    return found


class Reference(BaseModel):
    """An hourly value by reference: ``times · series + plus``.

    ``{series: spot, times: 0.9, plus: 60 EUR/MWh}``; ``times`` may carry a unit, so that a
    utilisation becomes power: ``{series: utilisation, column: east, times: 400 kW}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    series: str = Field(description="name of a series in the district file's `series`")
    column: str | None = Field(None, description="column of the series' file, if it has several")
    times: str | float | int = Field(1, description="factor, with a unit if it changes the unit")
    plus: str | float | int | None = Field(None, description="amount added, with its unit")


class Profile(BaseModel):
    """Demand by a standard profile and its annual energy: ``{profile: EFH, annual: 120 MWh}``.

    Heat: ``degree day`` (fit on a whole town) or BDEW's gas profiles (EFH, MFH, GHD, …), from the
    district's weather. Power: BDEW's profiles (h0, g0 to g6, l0 to l2).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = Field(description="`degree day`, EFH, MFH, GHD, … for heat; h0, g0, … for power")
    annual: Annotated[
        float,
        BeforeValidator(lambda value: parse(value, "kWh")),
        WithJsonSchema({"type": "string"}),
    ] = Field(gt=0, description="energy of a year, e.g. 120 MWh")


class Window(BaseModel):
    """Hours in which another value holds: ``{days: Mo-Fr, hours: "08:00-20:00", value: …}``.

    What is left out is no condition. Days, hours and months are those of the district's clock;
    hours past midnight ("22:00-06:00") belong to the day on which they lie.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: str | None = Field(None, description="Mo-Fr, weekend, or Mo, We, Fr-Su")
    hours: str | None = Field(None, description='"08:00-20:00", or several with commas')
    months: str | None = Field(None, description="Nov-Feb, or Jan, Jul")
    value: Any = Field(description="what holds in these hours: a quantity or a reference")


class Timetable(BaseModel):
    """An hourly value by the calendar, as tariffs write it; the first window that fits counts.

    ``{otherwise: 24 ct/kWh, windows: [{days: Mo-Fr, hours: "17:00-20:00", value: 38 ct/kWh}]}``;
    each value may be a quantity or a :class:`Reference`, so that a fee by the clock can be added
    to a price by the hour.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    otherwise: Any = Field(description="what holds in all other hours: a quantity or a reference")
    windows: tuple[Window, ...] = Field(min_length=1, description="hours with another value")


def _quantity(unit: str, minimum: float | None, maximum: float | None) -> Any:
    def convert(value: object) -> object:
        number = parse(value, unit)
        shown = f"{number:g} {unit}".removesuffix(" 1")
        if minimum is not None and number < minimum:
            raise ValueError(f"must be at least {minimum:g} {unit}".removesuffix(" 1")
                             + f", is {shown}; write {minimum:g} or more")  # fmt: skip
        if maximum is not None and number > maximum:
            raise ValueError(f"must be at most {maximum:g} {unit}".removesuffix(" 1")
                             + f", is {shown}; write {maximum:g} or less")  # fmt: skip
        return number

    return convert


def quantity(unit: str, minimum: float | None = 0.0, maximum: float | None = None) -> Any:
    """A pydantic type for a quantity in ``unit``, by default not negative."""
    what, example = EXAMPLES[unit]
    return Annotated[
        float,
        BeforeValidator(_quantity(unit, minimum, maximum)),
        Measure(unit, minimum=minimum, maximum=maximum),
        WithJsonSchema(_schema(unit, what, example)),
    ]


def hourly(unit: str, minimum: float | None = 0.0, profiles: bool = False) -> Any:
    """A pydantic type for an hourly value in ``unit``.

    It is a quantity, a :class:`Reference` or a :class:`Timetable`; with ``profiles`` also a
    :class:`Profile`.
    """
    what, example = EXAMPLES[unit]
    convert = _quantity(unit, minimum, None)

    forms: list[type[BaseModel]] = [Reference, Timetable, *([Profile] if profiles else [])]

    def by_calendar(written: object) -> Timetable:
        table = Timetable.model_validate(written)
        windows = tuple(w.model_copy(update={"value": either(w.value)}) for w in table.windows)
        return table.model_copy(update={"otherwise": either(table.otherwise), "windows": windows})

    def either(value: object) -> object:
        if not isinstance(value, dict):
            return value if isinstance(value, tuple(forms)) else convert(value)
        if "windows" in value or "otherwise" in value:
            return by_calendar(value)
        return (Profile if profiles and "profile" in value else Reference).model_validate(value)

    plain = [_schema(unit, what, example), Reference.model_json_schema()]
    written = [*plain, _timetable_schema(plain)]
    if profiles:
        written.append(Profile.model_json_schema())
    return Annotated[
        float | Reference | Timetable | Profile,
        BeforeValidator(either),
        Measure(unit, hourly=True, minimum=minimum),
        WithJsonSchema({"anyOf": written}),
    ]


def _timetable_schema(plain: list[dict[str, Any]]) -> dict[str, Any]:
    """Schema of a :class:`Timetable` whose values are of the plain forms, without references."""
    window = Window.model_json_schema()
    window["properties"]["value"] = {"anyOf": plain}
    table = Timetable.model_json_schema()
    table.pop("$defs")
    table["properties"]["otherwise"] = {"anyOf": plain}
    table["properties"]["windows"]["items"] = window
    return table


def _schema(unit: str, what: str, example: str) -> dict[str, Any]:
    text = {"type": "string", "description": f"{what}, e.g. {example}", "examples": [example]}
    return {"anyOf": [text, {"type": "number"}]} if unit == "1" else text


@dataclass(frozen=True)
class Absolute:
    """An amount in a canonical unit, where a share of a capacity could stand as well."""

    value: float


def of_capacity(unit: str, share: str, hourly: bool = False) -> Any:
    """A pydantic type for a share of a capacity (``35 %``) or the amount itself (``150 MW``).

    Shares are held as floats in ``share`` (1 or 1/h), amounts as :class:`Absolute` in ``unit``.
    With ``hourly`` also a :class:`Reference` to a series of shares.
    """

    def convert(value: object) -> object:
        if isinstance(value, (Reference, Absolute)):
            return value
        if hourly and isinstance(value, dict):
            return Reference.model_validate(value)
        try:
            number, amount = parse(value, share), False
        except ValueError as error:
            try:
                number, amount = parse(value, unit), True
            except ValueError:
                of, absolute = (EXAMPLES[each][1] for each in (share, unit))
                reason = str(error).partition("; ")[0]
                raise ValueError(
                    f'{reason}; write a share of the capacity such as "{of}", or an amount such '
                    f'as "{absolute}"'
                ) from None
        if number < 0:
            raise ValueError(f"must be at least 0, is {value}; write 0 or more")
        if not amount and share == "1" and number > 1.0:
            raise ValueError(f"must be at most 1, is {number:g}; the capacity is 100 %")
        return Absolute(number) if amount else number

    example = f"{EXAMPLES[share][1]} or {EXAMPLES[unit][1]}"
    text = _schema(share, "share of the capacity, or the amount itself", example)
    written = [text, *([Reference.model_json_schema()] if hourly else [])]
    return Annotated[
        Any, BeforeValidator(convert),
        WithJsonSchema({"anyOf": written} if hourly else text),
    ]  # fmt: skip


Power = quantity("kW")
Energy = quantity("kWh")
Duration = quantity("h")
Money = quantity("EUR", minimum=None)
MoneyRate = quantity("EUR/h")
HoldingCost = quantity("EUR/kWh/h")
CostRate = quantity("EUR/h", minimum=None)
PowerPrice = quantity("EUR/kW")
Price = quantity("EUR/kWh", minimum=None)
#: What a kWh not delivered costs; below nothing, a plan would earn by delivering nothing.
ShortfallPrice = quantity("EUR/kWh")
#: A text that the mathematics needs and that names no node.
Label = Annotated[str, Text()]
#: What is given up last, and what first, when there is not enough for all.
Priority = Annotated[Literal["critical", "normal", "deferrable"], Text()]
CarbonFactor = quantity("kg/kWh")
EmissionFactor = quantity("kg/kWh")
CarbonPrice = quantity("EUR/kg")
Share = quantity("1", maximum=1.0)
QuietShare = Annotated[
    float,
    BeforeValidator(_quantity("1", 0.0, 1.0)),
    Measure("1", quiet=True, maximum=1.0),
    WithJsonSchema(_schema("1", *EXAMPLES["1"])),
]
Efficiency = quantity("1", minimum=1e-3, maximum=1.0)
Ratio = quantity("1")
Number = quantity("1", minimum=None)
SharePerTime = quantity("1/h")
Temperature = quantity("degC", minimum=-273.15)
TemperatureDifference = quantity("K")
Length = quantity("m")
Area = quantity("m^2")
StoreVolume = quantity("m^3")
Speed = quantity("m/s")
Angle = quantity("deg", minimum=-360.0, maximum=360.0)
HeatLossPerLength = quantity("W/m/K")
HeatConductivity = quantity("W/m/K", minimum=1e-6)
HeatLossPerArea = quantity("W/m^2/K")
VolumetricHeatCapacity = quantity("kWh/m^3/K")
QuadraticHeatLoss = quantity("W/m^2/K^2")
MassPrice = quantity("EUR/kg")
Mass = quantity("kg")
Volume = quantity("l")
DataVolume = quantity("GB")
DataRate = quantity("GB/h")
Latency = quantity("ms")
EnergyPerData = quantity("kWh/GB")
DataPrice = quantity("EUR/GB")
WaterPerEnergy = quantity("l/kWh")
WaterPrice = quantity("EUR/m^3")
Voltage = quantity("V", minimum=1.0)
ResistancePerLength = quantity("ohm/m")

HourlyPower = hourly("kW")
HourlyDemand = hourly("kW", profiles=True)
HourlyPrice = hourly("EUR/kWh", minimum=None)
HourlyCarbon = hourly("kg/kWh")
HourlyShare = hourly("1")
HourlyNumber = hourly("1")
HourlySpeed = hourly("m/s")
HourlyIrradiance = hourly("W/m^2")

Load = of_capacity("kW", "1")
HourlyLoad = of_capacity("kW", "1", hourly=True)
HourlyRamp = of_capacity("kW/h", "1/h", hourly=True)

Node = Annotated[str, Text(node=True), Field(description="name of a node of the district")]
Source = Annotated[
    str, Text(), Field(description="`air`, `ground`, or a component with a heat loop")
]  # fmt: skip
