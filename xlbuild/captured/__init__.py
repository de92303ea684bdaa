"""What was read from a save file or a dump-core, before it is asked whether that is a domain as it was built."""
