"""The keys that mean something for Arm guests only."""

from xlbuild.config.keys.model import ALL, Effect, Form, Key, Section

_S, _N, _B, _L = Form.STRING, Form.NUMBER, Form.BOOLEAN, Form.LIST
_DOMAIN, _DEVICE = Effect.DOMAIN, Effect.DEVICE

SECTIONS: tuple[Section, ...] = (
    Section(
        "Arm",
        (
            Key("device_tree", _S, _DOMAIN, ALL, "a partial device tree", arm=True),
            Key("dtdev", _L, _DEVICE, ALL, "device tree nodes to be passed through", arm=True),
            Key(
                "gic_version",
                _S,
                _DOMAIN,
                ALL,
                "the interrupt controller: v2 or v3",
                "the host's",
                silent=True,
                arm=True,
            ),
            Key(
                "nr_spis",
                _N,
                _DOMAIN,
                ALL,
                "number of shared interrupts",
                "as many as needed",
                arm=True,
                since="4.19",
                source="tools/arm: Introduce the nr_spis xl config entry (May 2024)",
            ),
            Key("vuart", _S, _DOMAIN, ALL, "an emulated serial port: sbsa_uart", arm=True),
            Key(
                "tee",
                _S,
                _DOMAIN,
                ALL,
                "a trusted execution environment: optee, or from Xen 4.18 on ffa",
                "none",
                silent=True,
                arm=True,
            ),
            Key(
                "sve",
                _S,
                _DOMAIN,
                ALL,
                "scalable vectors: their bits, or hw",
                "disabled",
                silent=True,
                arm=True,
                since="4.18",
                source="CHANGELOG 4.18: guests running SVE",
            ),
            Key(
                "arm_sci",
                _S,
                _DOMAIN,
                ALL,
                "the system control interface",
                "none",
                silent=True,
                arm=True,
                since="4.21",
                source="CHANGELOG 4.21: SCI SCMI SMC single-agent support",
            ),
            Key(
                "virtio",
                _L,
                _DEVICE,
                ALL,
                "virtio devices on the MMIO bus",
                arm=True,
                since="4.18",
                source="libxl: add support for generic virtio device (43ba5202e2ee)",
            ),
            Key(
                "trap_unmapped_accesses",
                _B,
                _DOMAIN,
                ALL,
                "accesses to unmapped addresses trap",
                "1",
                arm=True,
                since="4.21",
                source="tools/arm: Add the trap_unmapped_accesses xl config option (June 2025)",
            ),
        ),
    ),
)
"""The section; it follows those of every architecture."""
