"""XLB2..: values."""

from xlbuild.rules.model import Family, Rule, Severity

_ERROR, _WARNING, _NOTE = Severity

FAMILY = Family(
    "2",
    "Values",
    (
        Rule(
            "XLB201",
            ("value-ignored",),
            _WARNING,
            "a value that xl drops",
            "A number that is none, text where a list belongs, or a list where text belongs: xl warns at "
            "most, and carries on as if the key were not set.",
            "Write the value in its form.",
            'disk = "phy:/dev/vg/g,xvda,w"\n',
        ),
        Rule(
            "XLB202",
            ("value-octal",),
            _WARNING,
            "a number that starts with 0",
            "It is octal, as in C: 010 is 8.",
            "Write it without the 0 in front.",
            "vcpus = 010\n",
        ),
        Rule(
            "XLB203",
            ("value-negative",),
            _WARNING,
            "a negative number",
            "xl checks no sign: what the number becomes is very large, or no number at all.",
            "Write a number from 0 on, or remove the setting.",
            'shadow_memory = "-1"\n',
        ),
        Rule(
            "XLB204",
            ("value-abbreviated",),
            _WARNING,
            "the beginning of a name",
            "xl takes any beginning of some names for the name, and empty text for the first of them.",
            "Write the whole name.",
            'type = "hv"\n',
        ),
        Rule(
            "XLB205",
            ("value-release",),
            _WARNING,
            "a value of another release",
            "The xl of this release does not know the value; that of an older or newer one does.",
            "Write another value, or check for the release that the guest is for: `--xen RELEASE`.",
            'bootloader = "/usr/bin/pygrub"\n',
        ),
        Rule(
            "XLB210",
            ("config-no-name",),
            _ERROR,
            "a domain without a name",
            "xl stops without a name, even when it would only check.",
            'Add name = "...".',
            "memory = 512\n",
        ),
        Rule(
            "XLB211",
            ("name-path",),
            _NOTE,
            "a name with a slash",
            "Names of domains are used in paths: of logs, of xenstore, and of what `xlbuild create` writes "
            "without -o.",
            "Use letters, digits, `-`, `_` and `.`.",
            'name = "lab/guest"\n',
        ),
        Rule(
            "XLB212",
            ("config-bad-uuid",),
            _ERROR,
            "a uuid that is none",
            "xl takes the form with 32 hexadecimal digits and 4 hyphens, and nothing around it.",
            "Correct it, or leave it out.",
            'uuid = "1234"\n',
        ),
        Rule(
            "XLB213",
            ("config-number-bounds",),
            _ERROR,
            "a number out of bounds",
            "Of most keys xl ignores a number that it cannot use; at these it stops.",
            "Write a number that is in bounds, or leave the key out.",
            'max_grant_frames = "many"\n',
        ),
        Rule(
            "XLB214",
            ("config-unknown-*", "config-no-names", "config-viridian-base", "config-viridian-both"),
            _ERROR,
            "a name that xl does not know",
            "The value is none of the names that the key can have, or names that exclude each other.",
            "Use one of the names that the message lists.",
            'type = "hvm"\nmemory = 64\nvga = "vesa"\n',
        ),
        Rule(
            "XLB215",
            ("config-event-channels",),
            _ERROR,
            "too few event channels",
            "The toolstack itself needs the first event channels of a guest.",
            "Remove max_event_channels, or raise it.",
            "max_event_channels = 1\n",
        ),
    ),
)
"""The family."""
