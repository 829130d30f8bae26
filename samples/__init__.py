"""Synthetic branch deliveries that meet a profile of published figures. Imports nothing else of the warehouse.

`generate` writes them, `describe` lists printed and derived figures, `list_profiles` names what comes along, `nation`
makes every branch for benchmarks.
"""

from __future__ import annotations

from samples.errors import ProfileError
from samples.generate import generate
from samples.nation import nation
from samples.plan import describe
from samples.profile import Profile, list_profiles, load_profile

__all__ = ["Profile", "ProfileError", "describe", "generate", "list_profiles", "load_profile", "nation"]
