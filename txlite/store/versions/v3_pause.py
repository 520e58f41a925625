"""Version 3: a queue that is paused, and how often a claim was renewed."""

SQL = """
ALTER TABLE home ADD COLUMN paused TEXT;
ALTER TABLE claims ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;
"""
