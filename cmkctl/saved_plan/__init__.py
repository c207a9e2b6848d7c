"""Saved plans: an approved plan in a file, to be applied later, perhaps on another machine. See docs/saved-plans.md.

The file is not a state file (docs/adr/0011-saved-plans.md): the state is read from Azure. The file holds the approved changes,
and the changes that an apply of this file has started, which distinguishes them from changes made by others.
"""

from cmkctl.saved_plan.approval import refuse_other_target, refuse_unless_approved
from cmkctl.saved_plan.errors import not_saved
from cmkctl.saved_plan.file import LoadedPlan, SavedPlan, load, load_only_profile, save, try_saving
from cmkctl.saved_plan.journal import Journal

__all__ = [
    "Journal",
    "LoadedPlan",
    "SavedPlan",
    "load",
    "load_only_profile",
    "not_saved",
    "refuse_other_target",
    "refuse_unless_approved",
    "save",
    "try_saving",
]
