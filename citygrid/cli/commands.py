"""The command `citygrid`: what it offers, and the commands that stand by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import click

import citygrid
from citygrid.cards import lasting
from citygrid.cli.aggregating import aggregate
from citygrid.cli.benching import bench
from citygrid.cli.drafting import import_
from citygrid.cli.examining import doctor
from citygrid.cli.frame import Commands, Frame, framed
from citygrid.cli.laying import compare_layouts
from citygrid.cli.noting import policy_files
from citygrid.cli.options import JSON, MODEL, folder_of, out_option, pairs_of
from citygrid.cli.outaging import outages
from citygrid.cli.planning import compare, plan
from citygrid.cli.recording import recorded
from citygrid.cli.registering import runs
from citygrid.cli.rereading import export, report, verify
from citygrid.cli.studying import study
from citygrid.cli.trading_off import alternatives, break_even, front, sensitivity


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The shell completes commands and options after "
    '`eval "$(citygrid completion bash)"`; see `citygrid completion --help`.',
)
@click.version_option(citygrid.__version__, prog_name="citygrid")
def main() -> None:
    """Plan the energy of a city district with data centres that heat it.

    Exit codes: 0 done; 2 bad input or usage; 3 infeasible; 4 no plan within the limits; 5 a plan
    failed verification; 6 a study finished with failed scenarios.
    """


@main.command()
@MODEL
@JSON
@framed
def check(frame: Frame, model: Path) -> None:
    """Check a district file and everything it refers to; list every fault."""
    district = citygrid.load(model)
    case = citygrid.prepare(district)
    kinds = {kind: len(units) for kind, units in case.units.items()}
    frame.answer(
        {"model": district.name, "ok": True, "steps": len(case.time), "step_h": case.step,
         "components": kinds},
        f"{model}: {district.name}, {len(case.time)} steps of {lasting(case.step)}, "
        f"{sum(kinds.values())} components of {len(kinds)} kinds: no fault",
    )  # fmt: skip


@main.command()
@click.option("--out", type=click.Path(path_type=Path), help="File to write instead of stdout.")
@click.option("--study", "of_study", is_flag=True, help="Of a study file instead.")
@framed
def schema(frame: Frame, out: Path | None, of_study: bool) -> None:
    """Print the JSON Schema of a district file, or of a study file."""
    from citygrid.files import whole

    if of_study:
        from citygrid.study.scenarios.schema import study_schema as written
    else:
        from citygrid.district.schema import district_schema as written

    text = json.dumps(written(), indent=1, ensure_ascii=False) + "\n"
    if out is None:
        frame.answer({}, text.rstrip("\n"))
        return
    with whole(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


@main.command()
@MODEL
@click.option("--to", "formats", default="cqm", show_default=True,
              help="Comma-separated: cqm, bqm, coo, moves, lp, mps, npz.")  # fmt: skip
@click.option("--policy", "policies", multiple=True, metavar="FILE[:FUNCTION]",
              help="Impose a policy first; it is run: name only code that you trust.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="An option of the binary model (bqm, coo), as often as needed.")  # fmt: skip
@out_option()
@JSON
@framed
@recorded("model", role="district")
def qubo(
    frame: Frame, model: Path, formats: str, policies: tuple[str, ...], settings: tuple[str, ...],
    out: Path | None,
) -> None:  # fmt: skip
    """Write the problem for somebody else's annealer; plan their answer by answer:FILE."""
    from citygrid.cli.outputs import describe_problem, print_problem
    from citygrid.verbs import formulate_under
    from citygrid.verbs.exchange import export_problem, refuse_unwritable_problem

    names = [name.strip() for name in formats.split(",") if name.strip()]
    folder = folder_of(out, model)
    refuse_unwritable_problem(names, folder)
    frame.recording.reads(policy_files(policies))
    case = citygrid.prepare(citygrid.load(model))
    frame.recording.prepared(case)
    frame.say("writing the form")
    form = formulate_under(case, policies)
    found = export_problem(form, names, folder, pairs_of(settings), frame.say)
    frame.recording.knows(form_hash=found.form.hash, size=found.form.size)
    frame.recording.produced({**found.files, "map": found.key})
    frame.answer(describe_problem(case, found), print_problem(case, found))


@main.command()
@click.option(
    "--class", "size_class", help="Size by name: S, M, L or XL; single numbers may replace its own."
)
@click.option("--hours", type=int, help="Steps of an hour.")
@click.option("--sites", type=int, help="Data centres.")
@click.option("--jobs", type=int, help="Jobs, each of which may run on up to three of the centres.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of all random numbers.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True,
              help="District file to write; its series and jobs go beside it.")  # fmt: skip
@JSON
@framed
def synth(
    frame: Frame, size_class: str | None, hours: int | None, sites: int | None, jobs: int | None,
    seed: int, out: Path,
) -> None:  # fmt: skip
    """Write a random district of any size as an ordinary district file."""
    from citygrid.synthetic import size_of, write

    files = write(out, size_of(size_class, hours, sites, jobs), seed)
    frame.answer({"files": {role: str(path) for role, path in files.items()}},
                 "\n".join(f"{role}: {path}" for role, path in files.items()))  # fmt: skip


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@framed
def completion(frame: Frame, shell: str) -> None:
    """Print the script by which a shell completes commands, options and files.

    \b
    bash  in ~/.bashrc: eval "$(citygrid completion bash)"
    zsh   in ~/.zshrc, after compinit: eval "$(citygrid completion zsh)"
    fish  once: citygrid completion fish > ~/.config/fish/completions/citygrid.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # The class of bash would look for a bash first, which whoever only prints does not need.
    script = ShellComplete.source(kind(main, {}, "citygrid", "_CITYGRID_COMPLETE"))
    frame.answer({}, script.rstrip("\n"))


for command in (
    plan, compare, verify, export, report, front, alternatives, sensitivity, break_even, aggregate,
    outages, compare_layouts, study, runs, import_, bench, doctor,
):  # fmt: skip
    main.add_command(command)
