"""Rows of Resource Graph as the documents of services. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cmkctl.azure.documents import text_at
from cmkctl.services import service_of
from cmkctl.services.base import Answer, ArmDocument, Documents, Read, with_linked


def documents_of_row(row: ArmDocument, by_id: Mapping[str, ArmDocument]) -> Documents:
    """Return the documents of a resource that rows hold: its own, and those of the resources that it names.

    `by_id` has all rows by their ARM ids in lower case.
    """
    own = Documents([Answer(Read("resource", str(row["id"]), text_at(row, "apiVersion")), row)])
    service = service_of(str(row["type"]))
    if service is None:
        return own
    return with_linked(service, own, lambda reads: [Answer(each, by_id.get(each.path.lower())) for each in reads])
