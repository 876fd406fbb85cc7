"""What of the pages is not executed, and why. Keep it small: a line here is a promise that nothing tests."""

from __future__ import annotations

# The beginning of a command -> why it is not run. What can be checked of it without running it is (reader.py).
NOT_RUN = {
    "python3 -m venv .venv": "an environment of its own takes minutes and an index",
    "pip install": "installs from an index; its extras are looked up in pyproject.toml",
    "pre-commit install": "changes the repository's hooks",
    "nox -s": "the suite, the linters, the pages; the sessions are looked up in noxfile.py",
    "pytest": "is this suite",
    "tensorboard --logdir": "a program that stays",
    "ssh": "another machine",
    "ray start": "machines of a cluster",
    "bench run grid.toml --executor ray --set ray.address=auto": "a Ray cluster; its settings are checked",
    "bench run grid.toml --executor slurm --set slurm.partition=gpu": "a Slurm cluster; its settings are checked",
    "bench data get cifar100": "downloads",
    "bench regress": "takes minutes; CI runs it, and tests/cli/test_regress.py a small one",
    "bench profile 3f2a9c --device cuda": "a GPU",
    "python docs/examples/scaling.py": "takes minutes; tests/test_scaling_example.py runs every step at a small size",
}

# The beginning of a command that takes seconds even here: its page is done by the slow tests.
COSTLY = (
    "bench tune",
    "bench run --methods crh,csq,orthohash --settings tuned",  # after it
    "bench study factorial",
    "bench study ablation",
    "bench check",
    "bench report",
    "bench profile",
    "bench run --datasets cifar100@shc --data-root DIR --regime frozen --backbone efficientnet-lite0",
    "bench run --datasets cifar100@shc --data-root DIR --regime finetune --backbone efficientnet-lite0",
)

# (page, how a block that is no code begins; "": any of the page) -> why it is not compared with what a program prints.
NOT_COMPARED = {
    ("docs/methods.md", ""): "formulas",
    ("docs/gpu.md", "gpu: 3 cells fit"): "a GPU; the sentence is that of bench/grid/gpu_room.py",
    ("docs/regress.md", "m ±"): "a formula",
    ("docs/regress.md", "outside: glyphs@default"): "a check of a wrong line; tests/cli/test_regress.py has its lines",
    ("docs/profiling.md", "glyphs@default crh"): "the operators are those of one machine",
    ("docs/running.md", "31 of 96 cells done"): "a run that goes on elsewhere; tests/cli/test_status.py has its lines",
}

# What a command prints stands after it, and is compared in words, not in numbers. Where it is none of the page -> it.
PRINTED_BY = {
    ("docs/running.md", "shared: features of grocery"): "bench plan --datasets ./grocery --regime frozen "
    "--backbone efficientnet-lite0 --methods crh,shc --seeds 0,1,2 --workers 2",
    ("docs/profiling.md", "cost: "): "bench run --methods crh,csq --bits 16,32,64",
}
FILES_OF_A_RUN = {("docs/measuring.md", "OUT/cells/")}  # every path of these is there after a run

# What a page takes for granted beside what standins.py puts into its folder.
BEFORE = {
    "docs/evaluating.md": "bench run --methods crh --bits 16",
    "docs/papers.md": "bench run --datasets cifar100@shc --regime frozen --methods csq,shc --bits 16",
    "docs/running.md": "bench run --datasets ./grocery --regime frozen --backbone efficientnet-lite0 --bits 16",
}

# Names that a page uses for what the reader has.
PLACEHOLDERS = ("CELL", "3f2a9c")  # of a stored cell
PLACE = "results/cells/CELL"  # its folder
