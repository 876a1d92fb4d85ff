"""What the comparisons in this folder share: an environment of their own, and the program built.

Only the standard library: this runs before anything is installed.
"""
import os
import pathlib
import subprocess
import sys
import venv

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def enter_environment(work: pathlib.Path, requirements: pathlib.Path, python: str | None) -> None:
    """Go on in the Python that has the pinned packages: `python` if given, else an environment made in `work`.

    Returns at once if this process runs there already; otherwise starts the script anew and does not return.
    """
    work.mkdir(parents=True, exist_ok=True)
    if python is None:
        folder = work / "venv"
        wanted = folder / "bin" / "python"
        # The stamp holds the pins that were installed, so that changed pins install anew.
        stamp = folder / "installed.txt"
        pins = requirements.read_text(encoding="utf-8")
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
            print(f"installing {requirements.name} into {folder}", file=sys.stderr)
            venv.create(folder, with_pip=True)
            subprocess.run([wanted, "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
            stamp.write_text(pins, encoding="utf-8")
    else:
        wanted = pathlib.Path(python)
    # Not resolved: the python of an environment is a link to that of the system.
    if os.path.abspath(sys.executable) != os.path.abspath(wanted):
        os.execv(wanted, [str(wanted), *sys.argv])


def built_program(given: str | None) -> pathlib.Path:
    """The program to measure: the one given, or the release build of this repository."""
    if given is not None:
        return pathlib.Path(given).resolve()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=REPOSITORY, check=True)
    return REPOSITORY / "target" / "release" / "rapporteur"


def version(program: pathlib.Path, given: str | None) -> str:
    """`rapporteur 0.1.0`, and the commit if it was built here, from a clone."""
    name = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if given is not None:
        return name
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True)
    return f"{name}, commit {commit.stdout.strip()}" if commit.returncode == 0 else name
