"""The decisions: pure functions of the timeline. No clock, no randomness, no I/O."""
