"""What is fuzzed, as one table."""

from functools import partial

from fuzz import diffruns, domainruns, fileseeds, inspectruns, kernelruns, seeds, tableruns, textruns
from fuzz.bytemutations import mutated, repacked
from fuzz.jsonmutations import json_mutation
from fuzz.model import Target
from fuzz.packers import PACKERS, bzimage_around, gzip_whole
from fuzz.textmutations import text_mutation

_CODEC_SHARES = {"gzip": 20, "bzip2": 8, "xz": 15, "zstd": 20, "lzma": 10, "lzo": 20, "lz4": 20}
"""Payloads' executions; those of bzImages are half as many."""

TARGETS: tuple[Target, ...] = (
    Target(
        "elf",
        "ELF files loaded as kernels, for PV and for PVH",
        seeds.elf_files,
        mutated,
        kernelruns.run_kernel,
        160,
    ),
    Target(
        "notes",
        "headers, sections and all Xen notes of ELF files",
        seeds.elf_files,
        mutated,
        kernelruns.run_notes,
        100,
    ),
    Target(
        "guest-string",
        "texts of `__xen_guest` sections and of FEATURES",
        seeds.guest_strings,
        text_mutation(seeds.guest_string_words()),
        kernelruns.run_guest_string,
        60,
    ),
    Target(
        "domain",
        "ELF files planned and written to guest memory, with a ramdisk",
        seeds.elf_files,
        mutated,
        kernelruns.run_domain,
        20,
    ),
    Target(
        "multiboot",
        "multiboot-style binaries loaded as kernels",
        seeds.multiboot_files,
        mutated,
        kernelruns.run_kernel,
        70,
    ),
    Target(
        "bzimage",
        "bzImages of every packing loaded as kernels",
        seeds.bzimages,
        mutated,
        kernelruns.run_packed_kernel,
        40,
    ),
    *(
        Target(
            f"bzimage-{codec}",
            f"bzImages whose {codec} payload holds changed ELF files",
            seeds.small_elf_files,
            repacked(pack, bzimage_around),
            kernelruns.run_packed_kernel,
            _CODEC_SHARES[codec] // 2,
        )
        for codec, pack in PACKERS.items()
    ),
    *(
        Target(
            f"payload-{codec}",
            f"{codec} payloads on their own",
            partial(seeds.payloads, codec),
            mutated,
            kernelruns.CODEC_RUNS[codec],
            _CODEC_SHARES[codec],
        )
        for codec in PACKERS
    ),
    Target(
        "gzip-file",
        "whole files in gzip, unpacked",
        seeds.gzip_files,
        mutated,
        kernelruns.run_gzip_file,
        40,
    ),
    Target(
        "gzip-kernel",
        "ELF files in gzip, loaded as kernels",
        seeds.small_elf_files,
        repacked(gzip_whole),
        kernelruns.run_packed_kernel,
        30,
    ),
    Target(
        "module",
        "ramdisks, as old and new releases load them",
        seeds.modules,
        mutated,
        kernelruns.run_module,
        40,
    ),
    Target(
        "recognise",
        "what a file is that is no kernel",
        seeds.foreign_files,
        mutated,
        kernelruns.run_recognise,
        50,
    ),
    Target(
        "language",
        "configurations' text: scanner and parser",
        seeds.configurations,
        text_mutation(seeds.config_words()),
        textruns.run_language,
        80,
    ),
    Target(
        "config",
        "configurations read whole, up to the JSON that xl prints",
        seeds.sound_configurations,
        text_mutation(seeds.config_words(), 3),
        textruns.run_config,
        50,
    ),
    Target(
        "check",
        "configurations checked, with the reports in every format",
        seeds.sound_configurations,
        text_mutation(seeds.config_words(), 3),
        textruns.run_check,
        30,
    ),
    Target(
        "override",
        "settings on the command line",
        seeds.settings,
        text_mutation(seeds.config_words(), 3),
        textruns.run_overrides,
        20,
    ),
    Target(
        "host-file",
        "descriptions of hosts",
        seeds.host_files,
        json_mutation(seeds.HOST_WORDS),
        textruns.run_host,
        40,
    ),
    Target(
        "vcpu-context",
        "contexts of further vCPUs, decoded and encoded",
        seeds.vcpu_contexts,
        mutated,
        textruns.run_vcpu_context,
        20,
    ),
    Target(
        "kernel-description",
        "files described as kernels, with every release's verdicts, and their parts",
        seeds.elf_files,
        mutated,
        inspectruns.run_kernel_description,
        6,
    ),
    Target(
        "bzimage-description",
        "bzImages of every packing described as kernels, and their parts",
        seeds.bzimages,
        mutated,
        inspectruns.run_kernel_description,
        6,
    ),
    Target(
        "manifest",
        "built domains read back: domain.json, memory as it says, and their digests",
        domainruns.manifests,
        json_mutation(domainruns.MANIFEST_WORDS, 2),
        domainruns.run_manifest,
        40,
    ),
    Target(
        "kernel-address",
        "what lies at an address of a kernel",
        seeds.elf_files,
        mutated,
        inspectruns.run_kernel_address,
        30,
    ),
    Target(
        "ramdisk",
        "ramdisks, file systems, disks described",
        fileseeds.ramdisks,
        mutated,
        inspectruns.run_ramdisk,
        60,
    ),
    Target(
        "ramdisk-packed",
        "cpio archives in every compression, described",
        fileseeds.archives,
        repacked(fileseeds.pack_somehow),
        inspectruns.run_ramdisk,
        30,
    ),
    Target(
        "firmware",
        "firmware of every kind described",
        fileseeds.firmware,
        mutated,
        inspectruns.run_firmware,
        50,
    ),
    Target(
        "config-description",
        "configurations described as xl and libxl resolve them",
        seeds.configurations,
        text_mutation(seeds.config_words(), 3),
        inspectruns.run_config_description,
        15,
    ),
    Target(
        "acpi", "ACPI tables in a guest's memory described", fileseeds.acpi, mutated, inspectruns.run_acpi, 10
    ),
    Target("aml", "what AML declares", fileseeds.aml, mutated, inspectruns.run_aml, 40),
    Target(
        "domain-description",
        "built domains described whose memory and files were changed",
        domainruns.memories,
        mutated,
        domainruns.run_domain_description,
        8,
    ),
    Target(
        "page-tables",
        "a PV guest's page tables, walked and described",
        tableruns.page_tables,
        mutated,
        tableruns.run_page_tables,
        20,
    ),
    Target("kind", "what a file is, and why", fileseeds.all_kinds, mutated, inspectruns.run_recognise, 60),
    Target(
        "inspect",
        "files of every kind, asked everything that `inspect` and `extract` ask",
        fileseeds.all_kinds,
        mutated,
        inspectruns.run_inspect,
        20,
    ),
    Target(
        "domain-address",
        "what lies at addresses of built domains whose memory was changed",
        domainruns.memories,
        mutated,
        domainruns.run_domain_address,
        6,
    ),
    Target(
        "address",
        "addresses as texts, of built domains",
        domainruns.addresses,
        text_mutation(domainruns.ADDRESS_WORDS, 3),
        domainruns.run_address,
        10,
    ),
    Target(
        "diff-domains",
        "built domains compared with others: of one the manifest, the structures or the memory were changed",
        diffruns.domain_pairs,
        diffruns.mutate_domain_pair,
        diffruns.run_domain_pair,
        2,
    ),
    Target(
        "diff-kernels",
        "ELF files and bzImages compared with other ones, as files and as what guests were built from",
        diffruns.kernel_pairs,
        mutated,
        diffruns.run_kernel_pair,
        2,
    ),
    Target(
        "diff-files",
        "files of every kind compared with each other",
        diffruns.file_pairs,
        mutated,
        diffruns.run_file_pair,
        4,
    ),
    Target(
        "ignore-path",
        "paths that are left out of comparisons",
        diffruns.paths,
        text_mutation(diffruns.PATH_WORDS, 3),
        diffruns.run_path,
        2,
    ),
)
"""Every target; what each is has one line, and its share of a full run."""

BY_NAME = {target.name: target for target in TARGETS}
