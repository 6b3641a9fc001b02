from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from .pki import PKI

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    pki = PKI(tmp_path_factory.mktemp("pki"))
    pki.make()
    return pki


@pytest.fixture
def pki(made: PKI, tmp_path: Path) -> PKI:
    """Certificates that a test may overwrite; its web configuration lies beside them."""
    directory = tmp_path / "web"
    shutil.copytree(made.directory, directory, symlinks=True)
    return PKI(directory)
