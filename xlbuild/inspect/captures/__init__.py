"""Descriptions of save files and dump-cores: of guests that never ran, and of others."""
