/* XEN_SYSCTL_*, XENVER_*: the host that the guest is built for. */
#include "fakexen.h"

long fx_sysctl(struct xen_sysctl *s)
{
    if (s->interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    TRACE("sysctl %u\n", s->cmd);
    switch (s->cmd) {
    case XEN_SYSCTL_physinfo: {
        struct xen_sysctl_physinfo *p = &s->u.physinfo;
        memset(p, 0, sizeof(*p));
        p->threads_per_core = 1;
        p->cores_per_socket = fx.cpus;
        p->nr_cpus = fx.cpus;
        p->max_cpu_id = fx.cpus - 1;
        p->nr_nodes = fx.nodes;
        p->max_node_id = fx.nodes - 1;
        p->cpu_khz = 2000000;
        p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_hap |
                          XEN_SYSCTL_PHYSCAP_shadow;
        if (fx.iommu)
            p->capabilities |= XEN_SYSCTL_PHYSCAP_directio | XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share;
        p->total_pages = FX_HOST_BYTES / FX_PAGE;
        p->free_pages = FX_HOST_FREE_BYTES / FX_PAGE;
        p->max_mfn = FX_HOST_BYTES / FX_PAGE - 1;
        return 0;
    }
    case XEN_SYSCTL_sched_id: s->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2; return 0;
    case XEN_SYSCTL_cputopoinfo: {
        struct xen_sysctl_cputopoinfo *c = &s->u.cputopoinfo;
        if (c->cputopo.p)
            for (unsigned i = 0; i < c->num_cpus && i < fx.cpus; i++) {
                c->cputopo.p[i].core = i;
                c->cputopo.p[i].socket = 0;
                c->cputopo.p[i].node = i * fx.nodes / fx.cpus;
            }
        c->num_cpus = fx.cpus;
        return 0;
    }
    case XEN_SYSCTL_numainfo: {
        struct xen_sysctl_numainfo *n = &s->u.numainfo;
        unsigned known = n->num_nodes < fx.nodes ? n->num_nodes : fx.nodes;
        for (unsigned i = 0; i < known; i++) {
            if (n->meminfo.p) {
                n->meminfo.p[i].memsize = FX_HOST_BYTES / fx.nodes;
                n->meminfo.p[i].memfree = FX_HOST_FREE_BYTES / fx.nodes;
            }
            for (unsigned k = 0; n->distance.p && k < known; k++)
                n->distance.p[i * fx.nodes + k] = i == k ? 10 : 20;
        }
        n->num_nodes = fx.nodes;
        return 0;
    }
    case XEN_SYSCTL_getdomaininfolist: {
        struct xen_sysctl_getdomaininfolist *l = &s->u.getdomaininfolist;
        unsigned n = 0;
        if (l->first_domain == 0 && n < l->max_domains)
            fx_domain_info(&l->buffer.p[n++], 0);
        if (fx.exists && l->first_domain <= fx.domid && n < l->max_domains)
            fx_domain_info(&l->buffer.p[n++], fx.domid);
        l->num_domains = n;
        return 0;
    }
    case XEN_SYSCTL_cpupool_op: {
        struct xen_sysctl_cpupool_op *c = &s->u.cpupool_op;
        if (c->op != XEN_SYSCTL_CPUPOOL_OP_INFO && c->op != XEN_SYSCTL_CPUPOOL_OP_FREEINFO)
            return 0;
        if (c->op == XEN_SYSCTL_CPUPOOL_OP_INFO && c->cpupool_id > 0)
            return -ENOENT;
        c->cpupool_id = 0;
        c->sched_id = XEN_SCHEDULER_CREDIT2;
        c->n_dom = 1;
        uint8_t *b = c->cpumap.bitmap.p;
        if (b) {
            memset(b, 0, (c->cpumap.nr_bits + 7) / 8);
            if (c->op == XEN_SYSCTL_CPUPOOL_OP_INFO)
                for (unsigned i = 0; i < fx.cpus && i < c->cpumap.nr_bits; i++)
                    b[i / 8] |= 1 << (i % 8);
        }
        return 0;
    }
    case XEN_SYSCTL_scheduler_op: return 0;
    case XEN_SYSCTL_get_cpu_featureset: {
        struct xen_sysctl_cpu_featureset *f = &s->u.cpu_featureset;
        if (f->features.p)
            memset(f->features.p, 0, f->nr_features * 4);
        else
            f->nr_features = 20;
        return 0;
    }
    case XEN_SYSCTL_get_cpu_policy: {
        struct xen_sysctl_cpu_policy *p = &s->u.cpu_policy;
        if (!p->leaves.p && !p->msrs.p) {
            p->nr_leaves = 64;
            p->nr_msrs = 32;
            return 0;
        }
        /* An empty CPU: the policy does not influence the memory image. */
        for (unsigned i = 0; p->leaves.p && i < p->nr_leaves; i++)
            p->leaves.p[i] = (xen_cpuid_leaf_t){ .leaf = 0, .subleaf = XEN_CPUID_NO_SUBLEAF };
        p->nr_msrs = 0;
        return 0;
    }
    case XEN_SYSCTL_availheap: s->u.availheap.avail_bytes = FX_HOST_FREE_BYTES; return 0;
    case XEN_SYSCTL_get_cpu_levelling_caps: s->u.cpu_levelling_caps.caps = 0; return 0;
    }
    fprintf(stderr, "fakexen: unhandled sysctl %u\n", s->cmd);
    fx.unhandled++;
    return -ENOSYS;
}

long fx_xen_version(unsigned cmd, void *p)
{
    switch (cmd) {
    case XENVER_version: return (4 << 16) | 17;
    case XENVER_extraversion:
        memset(p, 0, XEN_EXTRAVERSION_LEN);
        strcpy(p, ".7");
        return 0;
    case XENVER_capabilities:
        memset(p, 0, sizeof(xen_capabilities_info_t));
        strcpy(p, "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ");
        return 0;
    case XENVER_changeset:
        memset(p, 0, XEN_CHANGESET_INFO_LEN);
        strcpy(p, "fakexen");
        return 0;
    case XENVER_compile_info: memset(p, 0, sizeof(struct xen_compile_info)); return 0;
    case XENVER_platform_parameters:
        ((struct xen_platform_parameters *)p)->virt_start = 0xffff800000000000ul;
        return 0;
    case XENVER_get_features: ((struct xen_feature_info *)p)->submap = 0; return 0;
    case XENVER_pagesize: return 4096;
    case XENVER_guest_handle: memset(p, 0, sizeof(xen_domain_handle_t)); return 0;
    case XENVER_commandline: memset(p, 0, sizeof(xen_commandline_t)); return 0;
    case XENVER_build_id: return -ENODATA;
    }
    return -ENOSYS;
}
