"""A project's own labels can't be taken for the exporter's."""

from __future__ import annotations

from exporter.config.values import EXPORTER_LABELS
from exporter.sources import CATALOGUE


def test_every_label_of_the_catalogue_is_refused_to_projects() -> None:
    """``le`` is what a histogram adds."""
    used = {label for family in CATALOGUE for label in family.labels}
    assert used | {"le"} <= EXPORTER_LABELS
