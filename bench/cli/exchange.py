"""`bench export-results` and `bench import-results`: a study in one file, given and taken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.format import cell_count, size_in_bytes
from bench.cli.options import names
from bench.errors import ConfigError

File = Annotated[Path, typer.Argument(metavar="FILE.zip", help="The archive.")]
Protocols = Annotated[
    str | None,
    typer.Option("--protocol", help="Ids of protocols to share, comma-separated: column protocol of results.csv. "
                                    "[default: all]"),
]  # fmt: skip
Replace = Annotated[bool, typer.Option("--replace", help="Take theirs where both have a result and they differ.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep yours where both have a result and they differ.")]


def export_command(
    file: File, out: Annotated[Path, typer.Option(help="Output folder to share.")] = Path("results"),
    protocol: Protocols = None,
) -> None:  # fmt: skip
    """Pack every whole cell of an output folder, with a list of all files and their digests."""
    from bench.storage.exchange import export_results

    counts = export_results(out, file, names("protocol", protocol) or [])["counts"]
    failed = f", {counts['failed']} of them failed" if counts["failed"] else ""
    print(
        f"{file}: {cell_count(counts['cells'])}{failed}, {size_in_bytes(file.stat().st_size)}; bring it into a folder "
        f"with bench import-results {file.name} --out DIR"
    )


def import_command(
    file: File, out: Annotated[Path, typer.Option(help="Output folder to bring it into.")] = Path("results"),
    replace: Replace = False, keep: Keep = False,
) -> None:  # fmt: skip
    """Check an archive, then bring all of it into an output folder; nothing of it where something is wrong."""
    if replace and keep:
        raise ConfigError("--replace and --keep contradict each other: give one of them.")
    from bench.storage.exchange import import_results

    merged = import_results(file, out, "replace" if replace else "keep" if keep else "refuse")
    print(
        f"{out}: {cell_count(len(merged.added))} added, {len(merged.replaced)} replaced, {len(merged.kept)} left as "
        f"they were; make tables again with bench report {out}"
    )
