"""What a plan holds, as plain arrays: flows, ledger and rules over named axes, and what it states.

Whoever plans and verifies reads a plan by them; a dataset of xarray is made for whoever asks for
one, and takes longer to load than a small district to plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

    from citygrid.plan.plan import Plan


class Variable(NamedTuple):
    """One array of a plan over its named axes, with what is said of it, such as its ``units``."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    attributes: Mapping[Any, Any]


@dataclass(frozen=True)
class Content:
    """Variables by name, the labels of those axes that have any, and what the plan states."""

    variables: Mapping[str, Variable]
    labels: Mapping[str, NDArray[Any]]
    attributes: Mapping[Any, Any]

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Content:
        """What a dataset holds now, read where it is asked for."""
        return cls(_Variables(dataset), _Labels(dataset), dataset.attrs)

    @classmethod
    def made(
        cls, variables: Mapping[str, Variable], labels: Mapping[str, NDArray[Any]],
        attributes: Mapping[Any, Any],
    ) -> Content:  # fmt: skip
        """Content of arrays that have just been put together.

        Raises ``ValueError`` for a variable that is not as long as its axes.
        """
        for name, (dims, values, _) in variables.items():
            axes = zip(dims, values.shape, strict=True)
            if any(dim in labels and len(labels[dim]) != size for dim, size in axes):
                raise ValueError(f"{name} is not as long as its axes {', '.join(dims)}")
        return cls(variables, labels, attributes)

    def dataset(self) -> xr.Dataset:
        """The same as a dataset, which shares the arrays."""
        import xarray as xr

        from citygrid.plan import accessor as accessor  # registers `dataset.citygrid`

        return xr.Dataset(dict(self.variables), dict(self.labels), dict(self.attributes))


class _Variables(Mapping[str, Variable]):
    """The variables of a dataset that are no labels."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, name: str) -> Variable:
        if name in self._dataset.coords:
            raise KeyError(name)
        held = self._dataset.variables[name]
        return Variable(tuple(map(str, held.dims)), held.values, held.attrs)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._dataset.data_vars)

    def __len__(self) -> int:
        return len(self._dataset.data_vars)


class _Labels(Mapping[str, NDArray[Any]]):
    """The labels of a dataset's axes."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, dim: str) -> NDArray[Any]:
        if dim not in self._dataset.coords:
            raise KeyError(dim)  # xarray would count
        labels: NDArray[Any] = self._dataset.coords[dim].values
        return labels

    def __iter__(self) -> Iterator[str]:
        return map(str, self._dataset.coords)

    def __len__(self) -> int:
        return len(self._dataset.coords)


class Held:
    """The attribute ``dataset`` of a plan: given, or made when somebody first asks for it.

    A dataset can be changed by whoever has it: from then on it, and no array from before, says what
    the plan holds.
    """

    @overload
    def __get__(self, plan: None, owner: type[Plan]) -> Any: ...
    @overload
    def __get__(self, plan: Plan, owner: type[Plan]) -> xr.Dataset: ...
    def __get__(self, plan: Plan | None, owner: type[Plan]) -> Any:
        if plan is None:  # a dataclass asks whether there is a default
            raise AttributeError("a plan has no dataset by default")
        held = plan.__dict__["dataset"]
        if isinstance(held, Content):
            held = plan.__dict__["dataset"] = held.dataset()
        return held

    def __set__(self, plan: Plan, held: xr.Dataset | Content) -> None:
        plan.__dict__["dataset"] = held

    @staticmethod
    def content(plan: Plan) -> Content:
        """What a plan holds, without making a dataset of it."""
        held = plan.__dict__["dataset"]
        return held if isinstance(held, Content) else Content.of(held)
