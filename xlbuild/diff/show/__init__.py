"""A comparison shown: as text, in numbers, as JSON, and as a page for a browser."""
