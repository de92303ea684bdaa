"""XLB1..: keys."""

from xlbuild.rules.model import Family, Rule, Severity

_WARNING, _NOTE = Severity.WARNING, Severity.NOTE

FAMILY = Family(
    "1",
    "Keys",
    (
        Rule(
            "XLB101",
            ("key-unknown",),
            _WARNING,
            "an unknown key",
            "xl never looks at keys that it does not know, and says nothing of them.",
            "Correct the name, or remove the setting.",
            "memroy = 512\n",
        ),
        Rule(
            "XLB102",
            ("key-release",),
            _WARNING,
            "a key of another release",
            "The xl of this release does not read the key, and says nothing of it; that of an older or newer "
            "one does.",
            "Leave it out, or check for the release that the guest is for: `--xen RELEASE`.",
            "pvh = 0\n",
        ),
        Rule(
            "XLB103",
            ("key-no-effect",),
            _WARNING,
            "a key without effect for this container",
            "The key means something for other kinds of guest only; for this one xl ignores it.",
            "Remove it, or set the type that it is for.",
            'type = "pv"\nboot = "cd"\n',
        ),
        Rule(
            "XLB104",
            ("key-needs-another",),
            _WARNING,
            "a key without effect for want of another",
            "The key says more about something that the configuration does not ask for, or turns off.",
            "Set the other key, or remove this one.",
            'type = "hvm"\nspiceport = 6000\n',
        ),
        Rule(
            "XLB105",
            ("key-overwritten",),
            _WARNING,
            "a key that is set twice",
            "The last setting wins; xl says nothing of those before. (Settings of the command line are meant "
            "to win, and are not told.)",
            "Remove one of them. To add to a list or text, use `+=`.",
            "memory = 512\nmemory = 1024\n",
        ),
        Rule(
            "XLB106",
            ("key-deprecated",),
            _NOTE,
            "a key that another has replaced",
            "xl still reads the key, and a newer one says the same or more.",
            "Write the newer key.",
            'builder = "hvm"\n',
        ),
        Rule(
            "XLB107",
            ("key-dead",),
            _NOTE,
            "a key that does nothing any more",
            "xl reads the key, or once did, and nothing comes of it.",
            "Remove it.",
            'type = "hvm"\nnx = 1\n',
        ),
        Rule(
            "XLB108",
            ("key-arm",),
            _WARNING,
            "keys for Arm guests",
            "These keys mean something on Arm hosts only; xlbuild knows x86 guests.",
            "Remove them from the configuration of an x86 guest.",
            'gic_version = "v2"\n',
        ),
        Rule(
            "XLB109",
            ("xm-file",),
            _WARNING,
            "a file written for xm",
            "xm was Xen's tool before xl, and its configurations were Python. xl reads this one, but not all "
            "of it as it was meant.",
            "Write it anew for xl: docs/xl-cfg.md has every key, and the findings say what is not read.",
            'on_xend_start = "ignore"\n',
        ),
        Rule(
            "XLB110",
            ("command-line-ignored",),
            _WARNING,
            "root or extra beside cmdline",
            "cmdline is the whole command line: with it, root and extra are ignored.",
            "Put all of it into cmdline.",
            'cmdline = "console=hvc0"\nextra = "quiet"\n',
        ),
    ),
)
"""The family."""
