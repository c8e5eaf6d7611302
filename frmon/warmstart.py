"""What the last run knew, before venues say anything."""
