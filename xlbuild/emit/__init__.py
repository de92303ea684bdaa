"""The emit stage: input files and results; all that touches the file system is here."""
