"""How hypothesis runs: without a deadline, because a busy machine is no bug."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("patient")
