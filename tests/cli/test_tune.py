from __future__ import annotations

import json
from pathlib import Path


def test_tune_then_run_with_what_was_chosen(here, tiny_options, tmp_path: Path) -> None:
    grid = ["--methods", "csq,csq[quantization_weight=0.5]", "--bits", "8", *tiny_options]
    done = here("tune", *grid, "--lr", "1e-3,1e-2", "--weight-decay", "0", "--epochs", "1", check=0)
    assert "2 trials for each method, on a validation part of train" in done.stdout
    assert "csq[quantization_weight" in done.stdout
    (methods,) = json.loads((tmp_path / "results" / "tuned.json").read_text())["choices"].values()
    assert set(methods) == {"csq", "csq[quantization_weight=0.5]"}
    ran = here("run", *grid, "--settings", "tuned", check=0)
    assert "tuned settings" in ran.stdout
    table = (tmp_path / "results" / "results.md").read_text()
    assert "learning rate, weight decay and epochs of each method tuned with one budget" in table
    assert "csq[quantization_weight=0.5]" in table


def test_untuned_methods_and_bad_numbers_end_in_one_sentence(here, tiny_options) -> None:
    untuned = here("run", "--methods", "crh", "--settings", "tuned", *tiny_options, check=2)
    assert "crh has not been tuned on glyphs@default" in untuned.stderr
    bad = here("tune", "--lr", "fast", *tiny_options, check=2)
    assert "not a list of numbers" in bad.stderr
