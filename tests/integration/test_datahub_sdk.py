"""The sink of DataHub with DataHub's own SDK, in an environment of its own: the SDK is large and pins much."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest
from tests.shop import SETTINGS, write_shop

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
WAIT = 600


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with Headway, the extra `datahub` and pytest: HEADWAY_DATAHUB_PYTHON, or one that is made here."""
    given = os.environ.get("HEADWAY_DATAHUB_PYTHON")
    if given and Path(given).exists():
        return Path(given)
    folder = tmp_path_factory.mktemp("datahub")
    venv.create(folder, with_pip=True)
    made = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(made), "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[datahub]", "pytest"]
    done = subprocess.run(install, check=False, capture_output=True, text=True, timeout=WAIT)
    if done.returncode:
        reason = f"the SDK of DataHub could not be installed: {done.stderr[-500:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return made


def _run(python: Path, *command: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATAHUB_TELEMETRY_ENABLED": "false", "PYTHONPATH": ""}
    environment["HOME"] = str(home)  # the command line of DataHub keeps a file there
    return subprocess.run(
        [str(python), *command], cwd=ROOT, check=False, capture_output=True, text=True, env=environment, timeout=WAIT
    )


def test_every_test_of_the_sink_passes_with_the_sdk(python: Path, tmp_path: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-m", "")
    tests = ("tests/sinks/test_datahub_sink.py", "tests/sinks/test_datahub_settings.py")
    done = _run(python, "-m", "pytest", *options, *tests, home=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_datahubs_own_command_accepts_the_file(python: Path, tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", settings=SETTINGS + "catalogs: {datahub: {platform: postgres}}\n")
    out = tmp_path / "goals.json"
    export = ("export", "datahub", "--output", str(out), "--project-dir", str(shop))
    made = _run(python, "-m", "headway", *export, home=tmp_path)
    assert made.returncode == 0, made.stderr
    done = _run(python, "-m", "datahub", "check", "metadata-file", str(out), home=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "all valid" in done.stdout
