"""Check the types of all four folders, under the names they are imported with. Arguments go to mypy.

mypy finds a module by where its file lies, and methods/ lies beside bench/, not inside: so the folders are
copied to where pyproject's package-dir has them, and what is found is told with the files' own paths.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    """The exit code of mypy."""
    config = ROOT / "pyproject.toml"
    folders = tomllib.loads(config.read_text(encoding="utf-8"))["tool"]["setuptools"]["package-dir"]
    places = {name.replace(".", "/"): folder for name, folder in folders.items()}
    with tempfile.TemporaryDirectory() as tree:
        for place, folder in places.items():
            shutil.copytree(ROOT / folder, Path(tree, place), ignore=shutil.ignore_patterns("__pycache__"))
        options = ["--config-file", str(config), "--cache-dir", str(ROOT / ".mypy_cache" / "folders"), *sys.argv[1:]]
        command = [sys.executable, "-m", "mypy", *options, "-p", "bench"]
        done = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=False)
    longest_first = sorted(places, key=len, reverse=True)
    pattern = re.compile(rf"^({'|'.join(longest_first)})(?=/)", re.MULTILINE)
    print(pattern.sub(lambda found: places[found[1]], done.stdout.replace(os.sep, "/")), end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
