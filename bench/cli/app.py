"""The `bench` command: its subcommands, and how every error ends.

Nothing heavy is imported here: `bench --help`, `bench list` and completion answer at once.
"""

from __future__ import annotations

import sys
import warnings
from typing import Annotated, Any

import typer

from bench import __version__
from bench.cli.centers import centers_command
from bench.cli.check import check_command
from bench.cli.compare import compare_command
from bench.cli.data import app as data_app
from bench.cli.evaluate import evaluate_command
from bench.cli.exchange import export_command, import_command
from bench.cli.listing import list_command
from bench.cli.new import app as new_app
from bench.cli.pcc import pcc_command
from bench.cli.plan import plan_command
from bench.cli.profile import profile_command
from bench.cli.regress import regress_command
from bench.cli.report import report_command
from bench.cli.run import run_command
from bench.cli.serve import serve_command
from bench.cli.status import status_command
from bench.cli.study import study_command
from bench.cli.tune import tune_command
from bench.cli.verify import verify_command
from bench.errors import BenchError, BenchWarning
from bench.workers.limits import spare_time

_INTERRUPTED = 130  # exit code after Ctrl-C

app = typer.Typer(
    name="bench",
    help="The benchmark of hash-center deep hashing: CRH, CSQ and others over one trainer and one exact evaluation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", help="Run a grid of methods x datasets x bits x seeds; run again to finish or extend it.")(
    run_command
)
app.command("plan", help="Show what a run would do: cells, what is done already, expected time.")(plan_command)
app.command("status", help="Show how far a run is, from another terminal: done, failed, running now, left.")(
    status_command
)
app.command("serve", help="Show a run in the browser, live: progress, failures, finished cells, the HTML report.")(
    serve_command
)
app.command("tune", help="Choose each method's training settings on a validation part of train, with one budget.")(
    tune_command
)
app.command("study", help="Run a named study: factorial, ablation, robustness, controls and others.")(study_command)
app.command("list", help="List methods, datasets, backbones, regimes and reports; or all settings of one of them.")(
    list_command
)
app.command("report", help="Make tables and figures again from stored results.")(report_command)
app.command("evaluate", help="Measure codes of any program: exact mAP and more, from npz files of any size.")(
    evaluate_command
)
app.command("pcc", help="Measure how the centers of any program agree with a similarity of the classes.")(pcc_command)
app.command("centers", help="Make a method's centers by themselves, audit them and write them to an npz file.")(
    centers_command
)
app.command("check", help="Check that a method, yours or ours, keeps to the contract; takes seconds.")(check_command)
app.command("compare", help="Test which methods of a run differ by more than chance.")(compare_command)
app.command("verify", help="Run a stored cell again and say whether the same codes and mAP come out.")(verify_command)
app.command("regress", help="Run small grids again and say what is outside the bands learned from many seeds.")(
    regress_command
)
app.command("profile", help="Run a few epochs of a cell and tell where its time goes; nothing is stored.")(
    profile_command
)
app.command("export-results", help="Pack the results of an output folder into one file, to share a study.")(
    export_command
)
app.command("import-results", help="Check such a file and merge it into an output folder.")(import_command)
app.add_typer(new_app, name="new", help="Begin a method of your own: its file, its test and its page, to start from.")
app.add_typer(data_app, name="data", help="Datasets: what there is, and whether yours are whole and ready to be used.")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"bench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point. Exit codes: 0 all done, 1 cells failed, 2 the user's mistake, 130 interrupted."""
    spare_time()
    warnings.showwarning = _show_warning
    try:
        code = app(standalone_mode=False)  # a command's own typer.Exit comes back as its number, and so does Ctrl-C
    except BenchError as error:
        _end(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the command line itself
            raise
        _end(error.format_message(), 2)
    if code == _INTERRUPTED:
        _end("interrupted; finished cells are kept, run the same command again to go on.", code)
    sys.exit(code)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Our own as one sentence, without the place in the source that gave it."""
    if issubclass(category, BenchWarning):
        print(f"warning: {message}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)


def _end(message: str, code: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)
