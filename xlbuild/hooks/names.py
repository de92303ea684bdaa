"""What messages call the parts of a guest's memory: by what the user knows them as, not by Xen's internal names."""

from xlbuild.plan.model import BuildRequest


def names_of(request: BuildRequest) -> dict[str, str]:
    """Return the words for segments, by their names: a module is a ramdisk, or a kernel behind its shim."""
    modules = zip(request.modules, request.container.modules, strict=True)
    return {
        "kernel": request.container.kernel.role.value,
        **{module.name: wanted.file.role.value for module, wanted in modules},
        "phys2mach": "p2m list",
        "HVM start info": "start info",
    }
