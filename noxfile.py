"""What a developer runs: nox -s tests, lint, coverage, mutants, benchmarks, gpu or docs."""

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"


@nox.session
def tests(session: nox.Session) -> None:
    """The suite; arguments go to pytest: nox -s tests -- -m slow."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting, types."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", ".ci/check_types.py")


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches that the whole suite runs; under 95 % of bench/ or of methods/ is an error."""
    session.install("-e", ".[dev]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-m", "not benchmark", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    for folder in ("datasets", "reports"):
        session.run("coverage", "report", f"--include={folder}/*", "--format=total")
    for folder in ("bench", "methods"):
        session.run("coverage", "report", f"--include={folder}/*", "--skip-covered", "--fail-under=95")


@nox.session
def mutants(session: nox.Session) -> None:
    """Bugs that the tests must catch; names or areas: nox -s mutants -- --only losses."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.mutations.runner", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """A million hostile files for every reader of them; fewer: nox -s fuzz -- --inputs 10000 --target mat."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.fuzz.runner", "--inputs", "1000000", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Timings against plain references, as ratios of the same run."""
    session.install("-e", ".[test]")
    session.run("pytest", "-n", "0", "-m", "benchmark", *session.posargs)


@nox.session
def gpu(session: nox.Session) -> None:
    """Tests and timings that need a GPU, each with a line of what it found."""
    session.install("-e", ".[test,gpu]")
    session.run("pytest", "-n", "0", "-s", "-m", "gpu and not benchmark", *session.posargs)
    session.run("pytest", "-n", "0", "-s", "-m", "gpu and benchmark", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages into site/; a broken link is an error."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})
