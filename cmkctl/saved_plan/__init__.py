"""A plan in a file: what somebody approved, so that exactly that is applied later, perhaps elsewhere. See docs/saved-plans.md.

The file is no state (docs/adr/0011-saved-plans.md): Azure says what is there. It says what was approved, and what an apply of
this very file has begun, so that its own doing is told from other people's.
"""

from cmkctl.saved_plan.approval import refuse_unless_approved
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
    "refuse_unless_approved",
    "save",
    "try_saving",
]
