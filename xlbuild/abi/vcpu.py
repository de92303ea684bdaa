"""Operations of the vcpu_op hypercall with which a guest starts its further vCPUs (public vcpu.h)."""

VCPUOP_INITIALISE = 0
VCPUOP_UP = 1
