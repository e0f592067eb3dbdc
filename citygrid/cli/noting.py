"""What a command leaves in its record of what it was asked, before it solves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.registry import Recording
    from citygrid.routes.contract import Options


def asked(
    routes: Sequence[str], seeds: Sequence[int], options: Options, policies: Sequence[str],
    controls: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What a recording keeps of options, so that a run can be done again."""
    files = [(role, name, path) for role, name, path, _ in policy_files(policies)]
    for route in routes:
        kind, _, rest = route.partition(":")
        if kind == "answer" and rest:
            from citygrid.routes.exchange.key import MAP

            files += [("answer", str(path), path) for path in (Path(rest), Path(rest).parent / MAP)
                      if path.is_file()]  # fmt: skip
    return {
        "routes": routes, "seeds": seeds, "settings": options.extras, "policies": policies,
        "files": files, "controls": controls, "gap": options.gap,
        "time_limit": options.time_limit, "threads": options.threads, "sampler": options.sampler,
    }  # fmt: skip


def policy_files(policies: Sequence[str]) -> list[tuple[str, str, Path, None]]:
    """The files of policies as a recording takes them."""
    names = map(file_of_policy, policies)
    return [("policy", name, Path(name), None) for name in names]


def solving(
    recording: Recording, route: str, options: Options, policies: Sequence[str], case: Case
) -> None:  # fmt: skip
    """Note what a command of many plans solves, by which route, before it does."""
    from citygrid.registry.gathering import unsaid

    recording.knows(route=route, seed=options.seed, options={
        "gap": options.gap, "time_limit": options.time_limit, "threads": options.threads,
        "sampler": options.sampler, "settings": unsaid(options.extras), "policies": policies,
    })  # fmt: skip
    recording.reads(policy_files(policies))
    recording.prepared(case)


def file_of_policy(text: str) -> str:
    """The file in ``FILE[:FUNCTION]``."""
    file, colon, name = text.rpartition(":")
    return file if colon and name.isidentifier() else text
