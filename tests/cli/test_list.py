import subprocess
import sys
import time

import pytest

from bench.backbones.build import BACKBONES
from bench.plugins import registry
from bench.training.regimes import REGIMES


def test_everything_there_is_has_a_line(bench) -> None:
    lines = bench("list", check=0).stdout.splitlines()
    names = [line.split()[0] for line in lines if line.strip()]
    for kind in ("method", "dataset", "report", "executor", "tracker"):
        for entry in registry(kind).entries().values():
            if entry.path is not None:  # a file that another test has used
                continue
            assert names.count(entry.info.name) == 1
    assert {*BACKBONES, *REGIMES} <= set(names)
    crh = next(line for line in lines if line.startswith("crh "))
    assert "AAAI 2026" in crh
    assert "MIT" in crh


@pytest.mark.parametrize("name", ["crh-m", "glyphs", "cifar100", "quick"])
def test_settings_of_one_thing_with_their_sources(here, name: str) -> None:
    shown = here("list", name, check=0).stdout
    assert "source of the default" in shown


def test_defaults_shown_are_those_of_the_variant(here) -> None:
    lines = here("list", "crh-m", check=0).stdout.splitlines()
    assert next(line for line in lines if line.startswith("heads")).split()[1] == "1"


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"], ["--version"]])
def test_quick_answers_do_not_import_torch(arguments: list[str]) -> None:
    script = (
        "import sys; from bench.cli.app import app\n"
        f"try: app({arguments!r}, standalone_mode=False)\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_completion_answers_for_every_shell_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BENCH_COMPLETE", "complete_bash")
    for words, expected in (("bench run --methods cs", "csq"), ("bench run --methods crh,cs", "crh,csq"),
                            ("bench run --regime f", "frozen")):  # fmt: skip
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", "from bench.cli.app import app; app(prog_name='bench')"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert expected in done.stdout.split(), (done.stdout, done.stderr, time.perf_counter() - start)
