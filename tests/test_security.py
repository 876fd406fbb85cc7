"""What must not be in the code: ways in which a file or a name of somebody else could run code or leave its folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.sources import FOLDERS, ROOT, imports, modules

BANNED_IMPORTS = ("dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "telnetlib", "xmlrpc")
BANNED_CALLS = (
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "pickle.load", "pickle.loads",
    "pickle.dump", "pickle.dumps", "pandas.read_pickle", "pd.read_pickle", "tempfile.mktemp", "Markup",
    "torch.jit.load", "torch.hub.load", "shutil.unpack_archive", "loadmat", "scipy.io.loadmat", "tomllib.load",
)  # fmt: skip
ANY_TAR = {"r", "r:*", "r|*", "r:bz2", "r:xz", "r|bz2", "r|xz"}  # a kilobyte of bzip2 or xz unfolds to gigabytes
LOADS = ("np.load", "numpy.load", "np.lib.format.read_array")
UNSAFE = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\|\s*safe\b|autoescape false"
)
PICKLE = {  # where it is imported, and why
    "bench.data.archives",  # an unpickler that builds plain data and calls nothing: CIFAR is published so
    "bench.backbones.weights",  # its error, which torch.load(weights_only=True) raises
}
OWN_MARKUP = {"bench.reports._page.html"}  # puts the project's own scripts and styles into the page


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def option(call: ast.Call, name: str) -> object:
    found = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return ast.literal_eval(found[0]) if found and isinstance(found[0], ast.Constant) else None


def modes(call: ast.Call) -> set[str]:
    """The modes that a call of tarfile.open may have."""
    given = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = {node.value for value in given for node in ast.walk(value) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str)} or {"r"}


def faults(name: str, tree: ast.Module) -> Iterator[str]:
    """What a module does that it must not do."""
    imported = set(imports(name, tree))
    yield from (f"imports {each}" for each in BANNED_IMPORTS if each in imported)
    if "pickle" in imported and name not in PICKLE:
        yield "imports pickle"
    for called, call in calls(tree):
        short = called.rpartition(".")[2]
        if called in BANNED_CALLS and not (called == "Markup" and name in OWN_MARKUP):
            yield f"calls {called}"
        if called == "torch.load" and option(call, "weights_only") is not True:
            yield "torch.load without weights_only=True"
        if called in LOADS and option(call, "allow_pickle") is not False:
            yield f"{called} without allow_pickle=False"
        if called == "tomllib.loads" and name != "bench.tomlfiles":
            yield "tomllib.loads, some of whose errors are not its own: bench.tomlfiles.parse_toml"
        if called == "tarfile.open" and not ANY_TAR.isdisjoint(modes(call)):
            yield "tarfile.open of any kind of archive"
        if short in ("extractall", "extract") and "tar" in called.lower() and option(call, "filter") is None:
            yield f"{called} without a filter"
        if option(call, "shell") is True:
            yield f"{called} with a shell"
        if short == "Environment" and option(call, "autoescape") is not True:
            yield "a jinja2 environment that does not escape"


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_does_nothing_of_the_kind(name: str) -> None:
    assert list(faults(name, modules()[name])) == []


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import pickle", "imports pickle"),
        ("from joblib import load", "imports joblib"),
        ("eval(text)", "calls eval"),
        ("import os\nos.system(text)", "calls os.system"),
        ("torch.load(path)", "torch.load without weights_only=True"),
        ("torch.load(path, weights_only=False)", "torch.load without weights_only=True"),
        ("np.load(path)", "np.load without allow_pickle=False"),
        ("tarfile.open(path, 'r:').extractall(folder)", "tarfile.open(path, 'r:').extractall without a filter"),
        ("tarfile.open(path)", "tarfile.open of any kind of archive"),
        ("tarfile.open(path, mode='r:xz')", "tarfile.open of any kind of archive"),
        ("scipy.io.loadmat(path)", "calls scipy.io.loadmat"),
        (
            "tomllib.loads(text)",
            "tomllib.loads, some of whose errors are not its own: bench.tomlfiles.parse_toml",
        ),
        ("subprocess.run(text, shell=True)", "subprocess.run with a shell"),
        ("jinja2.Environment()", "a jinja2 environment that does not escape"),
    ],
)
def test_each_kind_would_be_found(code: str, fault: str) -> None:
    assert list(faults("bench.somewhere", ast.parse(code))) == [fault]


def test_pages_never_take_text_for_markup() -> None:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".js", ".html", ".j2"):
                assert UNSAFE.findall(path.read_text(encoding="utf-8")) == [], path
