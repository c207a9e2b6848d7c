"""The sections of a profile, one file a subject."""
