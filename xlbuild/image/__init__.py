"""The image stage: a kernel's or module's bytes become what is to be put into guest memory."""

from xlbuild.image.loaders import LOADERS, load_kernel
from xlbuild.image.model import GuestType, KernelImage, Piece, XenParameters
from xlbuild.image.modules import PreparedModule, prepare_module

__all__ = [
    "LOADERS",
    "GuestType",
    "KernelImage",
    "Piece",
    "PreparedModule",
    "XenParameters",
    "load_kernel",
    "prepare_module",
]
