/* XEN_DOMCTL_*: the one domain, its vCPU contexts and HVM context. */
#include "fakexen.h"

/* One record of an HVM context at `at`, or nothing where `at` is NULL; the room it takes. */
static size_t put_record(uint8_t *at, unsigned typecode, unsigned instance, const void *body, size_t length)
{
    struct hvm_save_descriptor d = { .typecode = typecode, .instance = instance, .length = length };
    if (at) {
        memcpy(at, &d, sizeof(d));
        memcpy(at + sizeof(d), body, length);
    }
    return sizeof(d) + length;
}

/* The HVM context of a domain that never ran, as far as the toolstack reads it. */
static size_t hvm_full_context(uint8_t *buffer)
{
    static const struct hvm_save_header header = {
        .magic = HVM_FILE_MAGIC,
        .version = HVM_FILE_VERSION,
        .changeset = ~0ull,
        .cpuid = 0x000306a9,
        .gtsc_khz = 2000000,
    };
    static const struct hvm_hw_mtrr mtrr = { .msr_pat_cr = 0x0007040600070406ull, .msr_mtrr_cap = 0x508 };
    size_t size = 0;
#define PUT(name, instance, body, length) \
    size += put_record(buffer ? buffer + size : NULL, HVM_SAVE_CODE(name), instance, body, length)
    PUT(HEADER, 0, &header, sizeof(header));
    for (unsigned i = 0; i < fx.max_vcpus; i++)
        PUT(MTRR, i, &mtrr, sizeof(mtrr));
    PUT(END, 0, "", 0);
#undef PUT
    return size;
}

void fx_domain_info(struct xen_domctl_getdomaininfo *i, uint32_t domid)
{
    memset(i, 0, sizeof(*i));
    i->domain = domid;
    if (domid == 0) {
        i->flags = XEN_DOMINF_running;
        i->tot_pages = 0x100000;
        i->max_pages = ~0ull;
        i->nr_online_vcpus = 2;
        i->max_vcpu_id = 1;
        i->gpaddr_bits = 46;
        i->shared_info_frame = 0x1000;
        return;
    }
    i->flags = XEN_DOMINF_paused | (fx.hvm ? XEN_DOMINF_hvm_guest | XEN_DOMINF_hap : 0);
    i->tot_pages = fx.tot_pages;
    i->max_pages = fx.max_pages;
    i->shared_info_frame = fx.hvm ? ~0ull >> 12 : fx_shared_info_mfn();
    i->nr_online_vcpus = 0;
    i->max_vcpu_id = fx.max_vcpus - 1;
    i->ssidref = fx.ssidref;
    memcpy(i->handle, fx.handle, 16);
    i->gpaddr_bits = 46;
    i->arch_config.emulation_flags = fx.emulation_flags;
}

/* Entry i of the hypercall page at 32 * i: own stubs (FAKEXEN_HYPERCALL_PAGE, --hypercall-page 1). */
static void fill_hypercall_page(uint64_t gmfn)
{
    const unsigned iret = 23;
    uint64_t page = fx_page_of_mfn(gmfn);
    uint8_t *stubs = page == FX_NO_PAGE ? NULL : fx_map_pages(page, 1, PROT_READ | PROT_WRITE);
    if (!stubs)
        return;
    memset(stubs, 0xcc, FX_PAGE);
    for (unsigned i = 0; i < 64; i++) {
        const uint8_t call64[] = { 0x51, 0x41, 0x53, 0xb8, i, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };
        const uint8_t iret64[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, i, 0, 0, 0, 0x0f, 0x05 };
        const uint8_t call32[] = { 0xb8, i, 0, 0, 0, 0xcd, 0x82, 0xc3 };
        const uint8_t iret32[] = { 0x50, 0xb8, i, 0, 0, 0, 0xcd, 0x82 };
        uint8_t *stub = stubs + 32 * i;
        if (fx.address_size == 32)
            memcpy(stub, i == iret ? iret32 : call32, sizeof(call32));
        else if (i == iret)
            memcpy(stub, iret64, sizeof(iret64));
        else
            memcpy(stub, call64, sizeof(call64));
    }
    munmap(stubs, FX_PAGE);
}

static void append(struct fx_blob **array, unsigned *count, const void *bytes, size_t length, uint32_t tag)
{
    GROW(*array, *count);
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    (*array)[(*count)++] = (struct fx_blob){ copy, length, tag };
}

static void *copied(const void *elements, size_t size)
{
    void *copy = malloc(size);
    return copy ? memcpy(copy, elements, size) : NULL;
}

/* Keeps the topology as Xen would, which has a page at most for each of the tables whose size it is told. */
static long set_vnuma_info(const struct xen_domctl_vnuma *v)
{
    struct fx_vnuma *n = &fx.vnuma;
    size_t distances = (size_t)v->nr_vnodes * v->nr_vnodes * sizeof(*n->vdistance);
    size_t ranges = (size_t)v->nr_vmemranges * sizeof(*n->vmemrange);

    if (!v->nr_vnodes || !v->nr_vmemranges || v->pad || v->nr_vcpus != fx.max_vcpus || distances > FX_PAGE ||
        ranges > FX_PAGE)
        return -EINVAL;
    for (unsigned i = 0; i < v->nr_vmemranges; i++)
        if (v->vmemrange.p[i].flags)
            return -EINVAL;
    n->nodes = v->nr_vnodes;
    n->ranges = v->nr_vmemranges;
    n->vcpus = v->nr_vcpus;
    n->vmemrange = copied(v->vmemrange.p, ranges);
    n->vdistance = copied(v->vdistance.p, distances);
    n->vcpu_to_vnode = copied(v->vcpu_to_vnode.p, n->vcpus * sizeof(*n->vcpu_to_vnode));
    n->vnode_to_pnode = copied(v->vnode_to_pnode.p, n->nodes * sizeof(*n->vnode_to_pnode));
    return 0;
}

long fx_domctl(struct xen_domctl *d)
{
    if (d->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    TRACE("domctl %u dom %u\n", d->cmd, d->domain);
    switch (d->cmd) {
    case XEN_DOMCTL_createdomain: {
        struct xen_domctl_createdomain *c = &d->u.createdomain;
        if (fx.exists)
            return -EEXIST;
        fx.exists = true;
        if (d->domain && d->domain < 0x7ff0)
            fx.domid = d->domain;
        d->domain = fx.domid;
        fx.hvm = c->flags & XEN_DOMCTL_CDF_hvm;
        fx.cdf_flags = c->flags;
        fx.max_vcpus = c->max_vcpus;
        fx.ssidref = c->ssidref;
        fx.emulation_flags = c->arch.emulation_flags;
        memcpy(fx.handle, c->handle, 16);
        fx.max_pages = 0;
        return 0;
    }
    case XEN_DOMCTL_getdomaininfo:
        if (d->domain > fx.domid || (!fx.exists && d->domain))
            return -ESRCH;
        if (d->domain && d->domain < fx.domid)
            d->domain = fx.domid;
        fx_domain_info(&d->u.getdomaininfo, d->domain);
        return 0;
    case XEN_DOMCTL_max_mem: fx.max_pages = d->u.max_mem.max_memkb >> 2; return 0;
    case XEN_DOMCTL_max_vcpus: fx.max_vcpus = d->u.max_vcpus.max; return 0;
    case XEN_DOMCTL_set_address_size:
        if (fx.hvm)
            return -EINVAL;
        fx.address_size = d->u.address_size.size;
        return 0;
    case XEN_DOMCTL_get_address_size: d->u.address_size.size = fx.address_size; return 0;
    case XEN_DOMCTL_hypercall_init:
        fx.hypercall_gmfn = d->u.hypercall_init.gmfn;
        fx.hypercall_set = true;
        if (fx.fill_hypercall)
            fill_hypercall_page(fx.hypercall_gmfn);
        return 0;
    case XEN_DOMCTL_setvcpucontext:
        append(&fx.contexts, &fx.ncontexts, d->u.vcpucontext.ctxt.p,
               fx.address_size == 32 ? sizeof(vcpu_guest_context_x86_32_t)
                                     : sizeof(vcpu_guest_context_x86_64_t),
               d->u.vcpucontext.vcpu);
        return 0;
    case XEN_DOMCTL_gethvmcontext: {
        size_t n = hvm_full_context(NULL);
        if (!d->u.hvmcontext.buffer.p) {
            d->u.hvmcontext.size = n;
            return 0;
        }
        if (d->u.hvmcontext.size < n)
            return -ENOSPC;
        d->u.hvmcontext.size = hvm_full_context((uint8_t *)d->u.hvmcontext.buffer.p);
        return 0;
    }
    case XEN_DOMCTL_sethvmcontext:
        append(&fx.hvm_contexts, &fx.nhvm_contexts, d->u.hvmcontext.buffer.p, d->u.hvmcontext.size, 0);
        return 0;
    case XEN_DOMCTL_settscinfo:
        fx.tsc_mode = d->u.tsc_info.tsc_mode;
        fx.gtsc_khz = d->u.tsc_info.gtsc_khz;
        return 0;
    case XEN_DOMCTL_gettscinfo:
        d->u.tsc_info.tsc_mode = fx.tsc_mode;
        d->u.tsc_info.gtsc_khz = fx.gtsc_khz;
        return 0;
    case XEN_DOMCTL_set_paging_mempool_size: fx.paging_pool_bytes = d->u.paging_mempool.size; return 0;
    case XEN_DOMCTL_get_paging_mempool_size: d->u.paging_mempool.size = fx.paging_pool_bytes; return 0;
    case XEN_DOMCTL_shadow_op: fx.shadow_mb = d->u.shadow_op.mb; return 0;
    case XEN_DOMCTL_getvcpuinfo:
        d->u.getvcpuinfo.online = 0;
        d->u.getvcpuinfo.cpu = 0;
        return 0;
    case XEN_DOMCTL_getvcpuaffinity:
    case XEN_DOMCTL_getnodeaffinity: return 0;
    case XEN_DOMCTL_get_cpu_policy:
        d->u.cpu_policy.nr_leaves = 0;
        d->u.cpu_policy.nr_msrs = 0;
        return 0;
    case XEN_DOMCTL_set_cpu_policy:
        d->u.cpu_policy.err_leaf = d->u.cpu_policy.err_subleaf = d->u.cpu_policy.err_msr = ~0u;
        return 0;
    case XEN_DOMCTL_setvnumainfo: return set_vnuma_info(&d->u.vnuma);
    case XEN_DOMCTL_getpageframeinfo3: return 0;
    case XEN_DOMCTL_cacheflush:
    case XEN_DOMCTL_setvcpuaffinity:
    case XEN_DOMCTL_setnodeaffinity:
    case XEN_DOMCTL_settimeoffset:
    case XEN_DOMCTL_scheduler_op:
    case XEN_DOMCTL_pausedomain:
    case XEN_DOMCTL_unpausedomain:
    case XEN_DOMCTL_setdomainhandle:
    case XEN_DOMCTL_set_target:
    case XEN_DOMCTL_iomem_permission:
    case XEN_DOMCTL_ioport_permission:
    case XEN_DOMCTL_irq_permission:
    case XEN_DOMCTL_memory_mapping:
    case XEN_DOMCTL_ioport_mapping:
    case XEN_DOMCTL_set_access_required:
    case XEN_DOMCTL_setdebugging:
    case XEN_DOMCTL_set_virq_handler: return 0;
    case XEN_DOMCTL_destroydomain: fx.exists = false; return 0;
    }
    fprintf(stderr, "fakexen: unhandled domctl %u\n", d->cmd);
    fx.unhandled++;
    return -ENOSYS;
}
