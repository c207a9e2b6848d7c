"""A plan in a file: approved now, applied later exactly as approved, perhaps on a different machine. See docs/saved-plans.md.

The file is not state (docs/adr/0011-saved-plans.md): the state is in Azure. The file records the approved changes, and those
that an apply of this file has started, so that they can be distinguished from changes by others.
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
