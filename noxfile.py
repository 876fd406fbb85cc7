"""What a developer runs: nox -s tests, lint, benchmarks or docs."""

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
    session.run("mypy")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Timings against plain references, as ratios of the same run."""
    session.install("-e", ".[test]")
    session.run("pytest", "-n", "0", "-m", "benchmark", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages into site/; a broken link is an error."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})
