"""Keys that no xl of today reads, but that say what the author of a file meant."""

from xlbuild.config.keys.model import PV, Effect, Form, Key, Section

SECTIONS: tuple[Section, ...] = (
    Section(
        "Older releases",
        (
            Key(
                "pvh",
                Form.BOOLEAN,
                Effect.NONE,
                PV,
                "a PV guest in a container of hardware; now a PV guest",
                instead='write type = "pvh"',
                until="4.9",
                source="type came with 4.10 in its place",
            ),
        ),
    ),
)
"""The section; it comes last."""
