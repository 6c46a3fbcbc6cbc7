"""A busy machine makes a single example slow now and then; that is no defect, so examples have no deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
