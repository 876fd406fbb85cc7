"""A reader who does what a page says, from its first block to its last, in one folder."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from bench.cli import options
from bench.cli.app import app
from bench.grid.spec import GridSpec, grid_spec
from bench.papers.files import read_paper
from bench.plugins.registry import registry
from bench.storage.store import Store
from bench.user_config import UserConfig
from tests.docs.blocks import Block, Command, blocks, commands
from tests.docs.exceptions import BEFORE, FILES_OF_A_RUN, NOT_COMPARED, NOT_RUN, PLACE, PLACEHOLDERS, PRINTED_BY
from tests.sources import ROOT

Bench = Callable[..., str]
GRID_FIELDS = {*GridSpec.model_fields, "workers", "threads", "timeout", "memory"}


def begins(words: Sequence[str], starts: Iterable[str]) -> bool:
    """Whether a command begins with the words of one of `starts`."""
    return any([*words][: len(start.split())] == start.split() for start in starts)


def entry_of(block: Block, table: Any) -> tuple[str, str] | None:
    """The key of a table of exceptions.py that a block which is no code has."""
    return next((key for key in table if key[0] == block.page and block.text.startswith(key[1])), None)


class Reader:
    """Executes blocks.

    Args:
        folder: where the reader is; holds what standins.py puts there.
        bench: runs the command with words and gives what it prints.
        names: what the reader has in Python already.
    """

    def __init__(self, folder: Path, bench: Bench, names: dict[str, Any]) -> None:
        self.folder, self._bench, self._names = folder, bench, names
        names["__name__"] = "a_page"
        self._printed: list[str] = []  # by the page's commands so far

    def prepare(self, page: Iterable[Block]) -> None:
        """Write the blocks that say what file they are, take away what the page makes, and do what goes before it."""
        for block in page:
            if block.file_name:
                (self.folder / block.file_name).write_text(block.text)
            for command in commands(block) if block.language == "shell" else ():
                if begins(command.words, ["bench new"]):
                    (self.folder / f"{command.words[3].replace('-', '_')}.py").unlink(missing_ok=True)
                if begins(command.words, ["bench data make-subset"]) and "--out" in command.words:
                    shutil.rmtree(self.folder / command.words[command.words.index("--out") + 1], ignore_errors=True)
            if block.page in BEFORE and block is blocks(block.page)[0]:
                self.bench(*BEFORE[block.page].split()[1:])

    def read(self, block: Block) -> None:
        """Execute a block, or check it where it is no program."""
        known = {
            "shell": self._shell, "python": self._python, "toml": check_toml, "yaml": lambda b: yaml.safe_load(b.text),
            "json": lambda b: json.loads(b.text), "": self._output,
        }  # fmt: skip
        assert block.language in known, f"{block.place}: what is to be done with {block.language}?"
        known[block.language](block)

    def _shell(self, block: Block) -> None:
        for command in commands(block):
            if begins(command.words, NOT_RUN):
                check_command(command)
            elif command.words[0] == "bench" and not command.piped:
                self._printed += without_numbers(self.bench(*command.words[1:]))
            elif shutil.which("jq"):  # else it stays unread: not every machine has it
                self._in_a_shell(command)

    def bench(self, *words: str) -> str:
        """What the command prints; it ends well."""
        return self._bench(*map(self._filled_in, words))

    def _filled_in(self, word: str) -> str:
        """The word, or what it stands for: a stored cell's id, or its folder."""
        if word not in PLACEHOLDERS and word != PLACE:
            return word
        found = Store(self.folder / "results").read_all()
        stored = next(s for s in found if s.cell.method_label == "crh" and s.cell.bits == 16 and s.cell.seed == 0)
        return str(stored.path) if word == PLACE else stored.cell.id

    def _in_a_shell(self, command: Command) -> None:
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        script = f"set -euo pipefail\n{command.text}"
        env = {**os.environ, "PATH": path}
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command.block.place}: {done.stderr}"
        assert done.stdout.strip(), f"{command.block.place}: {command.text} prints nothing"

    def _python(self, block: Block) -> None:
        code = compile(block.text, block.place, "exec")
        exec(code, self._names)
        if "\ndef test_" in block.text:
            self._as_a_test(block)

    def _as_a_test(self, block: Block) -> None:
        registry("method").add_file(self.folder / "my_method.py")  # as if it were installed
        file = self.folder / "test_of_the_page.py"
        file.write_text(block.text)
        assert pytest.main(["-q", "-s", "-p", "no:cacheprovider", "--rootdir", str(self.folder), str(file)]) == 0

    def _output(self, block: Block) -> None:
        """Compare what a page says a command prints with what it does, or a listing with the files."""
        if command := entry_of(block, PRINTED_BY):
            compare(block, without_numbers(self.bench(*PRINTED_BY[command].split()[1:])))
        elif entry_of(block, FILES_OF_A_RUN):
            for line in block.text.splitlines():
                for path in re.split(r",\s+", line[: line.index("   ")]):
                    pattern = path.removeprefix("OUT/").replace("<cell>", "*")
                    assert list((self.folder / "results").glob(pattern)), f"{block.place}: a run leaves no {path}"
        elif not entry_of(block, NOT_COMPARED):
            compare(block, self._printed)


def compare(block: Block, printed: list[str]) -> None:
    """Every line is among those printed; "..." at its end stands for anything."""
    for line in without_numbers(block.text):
        start = line.removesuffix("...")
        found = any(each == line or (start != line and each.startswith(start)) for each in printed)
        assert found, f"{block.place}: nothing of the page so far prints {line!r}, but {printed}"


def without_numbers(text: str) -> list[str]:
    """Lines that are not empty: # for a number or a cell's id, after it the singular, and one blank for several."""
    found = [re.sub(r"\b[0-9a-f]{16}\b|\d[\d,]*(\.\d+)?", "#", line) for line in text.splitlines()]
    single = [re.sub(r"(# \w+?)s\b", r"\1", " ".join(line.split())) for line in found if line.strip()]
    return [re.sub(r"(# (h|min) )+# (min|s)\b", "# s", line) for line in single]  # a time is a time


def check_command(command: Command) -> None:
    """What can be known of a command that is not run."""
    done = subprocess.run(["bash", "-n", "-c", command.text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command.block.place}: {done.stderr}"
    checks = {"bench": _check_bench, "pip": _check_pip, "nox": _check_nox, "python": _check_script}
    checks.get(command.words[0], lambda words: None)(command.words)


def options_are_known(words: Sequence[str], place: str) -> None:
    """For a mention of a command, which may leave out what it needs: it exists and has all options that are named."""
    command, rest = _command(words)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        assert not word.startswith("--") or word.partition("=")[0] in known, f"{place}: there is no {word}"


def _command(words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that words name, and those after its name."""
    command: Any = typer.main.get_command(app)
    rest = list(words[1:])
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"there is no command {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    return command, rest


def _check_bench(words: Sequence[str]) -> None:
    """Options of the command itself: it has them and can read them; of a run also what is set of its executor."""
    command, rest = _command(words)
    chosen = command.make_context("bench", rest).params
    if "executor" in chosen:
        first = [chosen.pop(name) for name in ("grid", "methods", "datasets", "bits", "seeds", "set_")]
        others = {name: value for name, value in chosen.items() if name in GridSpec.model_fields}
        _check_executor(options.spec_of(*first, **others))


def _check_executor(spec: GridSpec) -> None:
    """Its settings; the cluster itself need not be there."""
    registry("executor").load(spec.executor).Config.build(spec.executor, spec.set.get(spec.executor, {}))


def _check_pip(words: Sequence[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = next(word for word in words[2:] if not word.startswith("-"))
    name, _, extras = wanted.rstrip("]").partition("[")
    assert name in (".", project["name"]), f"pip install {wanted}"
    assert set(extras.split(",") if extras else ()) <= set(project["optional-dependencies"]), wanted


def _check_nox(words: Sequence[str]) -> None:
    defined = {node.name for node in ast.parse((ROOT / "noxfile.py").read_text()).body if hasattr(node, "name")}
    sessions = words[2 : words.index("--")] if "--" in words else words[2:]
    assert set(sessions) <= defined, f"{words} names a session that noxfile.py has not"


def _check_script(words: Sequence[str]) -> None:
    text = (ROOT / words[1]).read_text()
    for word in words[2:]:
        assert not word.startswith("--") or f'"{word}"' in text, f"{words[1]} has no option {word}"


def check_toml(block: Block) -> None:
    """A grid, the user's config file, a paper's numbers, or an entry point: by the keys it has."""
    values = tomllib.loads(block.text)
    if set(values) <= set(UserConfig.model_fields):
        UserConfig.build("config", values)
    elif set(values) <= GRID_FIELDS:
        _check_executor(grid_spec(_file(block)))
    elif "tables" in values:
        read_paper(str(_file(block)))
    else:
        groups = values["project"]["entry-points"]
        kinds = ("methods", "datasets", "reports", "executors", "trackers")
        assert set(groups) <= {f"bench.{kind}" for kind in kinds}, f"{block.place}: {list(groups)}"


def _file(block: Block) -> Path:
    path = Path(block.file_name or "a_block.toml")
    path.write_text(block.text)
    return path
