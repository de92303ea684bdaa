/* XENMEM_*: populating guest memory, claims, memory maps. */
#include "fakexen.h"

/* Merge a populated extent into the log: neighbours of one order and one set of flags are one entry. */
static void log_run(uint64_t gfn, uint64_t count, uint32_t order, uint32_t memflags)
{
    struct fx_run *last = fx.nruns ? &fx.runs[fx.nruns - 1] : NULL;
    if (last && last->gfn + last->nr == gfn && last->order == order && last->memflags == memflags) {
        last->nr += count;
        return;
    }
    GROW(fx.runs, fx.nruns);
    fx.runs[fx.nruns++] = (struct fx_run){ gfn, count, order, memflags };
}

/* Xen puts a fresh page where a frame is populated again; the old page stays owned, but nowhere. */
static void populate_again(uint64_t gfn, uint64_t count)
{
    for (uint64_t end = gfn + count; gfn < end; gfn++) {
        if (!fx_is_populated(gfn))
            continue;
        TRACE("gfn %#lx populated twice\n", (long)gfn);
        fallocate(fx.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, gfn * FX_PAGE, FX_PAGE);
        fx.repopulated++;
    }
}

static long populate(struct xen_memory_reservation *r)
{
    xen_pfn_t *extents = r->extent_start.p;
    uint64_t count = 1ull << r->extent_order;
    bool charged = !(r->mem_flags & XENMEMF_populate_on_demand);
    unsigned long i;

    if (r->extent_order > 18 || (r->extent_order && !fx.superpages))
        return 0;
    for (i = 0; i < r->nr_extents; i++) {
        uint64_t gfn = extents[i];
        if (gfn + count > FX_GUEST_PAGES)
            break;
        if (charged && fx.tot_pages + count > fx.max_pages) {
            TRACE("populate gfn %#lx order %u: over max_pages %#lx\n", (long)gfn, r->extent_order,
                  (long)fx.max_pages);
            break;
        }
        if (fx.hvm && fx_any_populated(gfn, count))
            populate_again(gfn, count);
        fx_set_populated(gfn, count, true);
        if (charged)
            fx.tot_pages += count;
        if (gfn + count > fx.max_gfn)
            fx.max_gfn = gfn + count;
        log_run(gfn, count, r->extent_order, r->mem_flags);
        if (!fx.hvm) {
            extents[i] = gfn + fx.mfn_base;
            fx_note_m2p(extents[i], gfn, count);
        }
    }
    return i;
}

/* These two are used for moving a PAE guest's third-level table below 4 GiB, and for nothing else. */
static long decrease_reservation(struct xen_memory_reservation *r)
{
    xen_pfn_t *extents = r->extent_start.p;
    for (unsigned long i = 0; i < r->nr_extents; i++)
        if (fx_give_up_mfn(extents[i]) == FX_NO_PAGE)
            return i;
    return r->nr_extents;
}

static long increase_reservation(struct xen_memory_reservation *r)
{
    xen_pfn_t *extents = r->extent_start.p;
    if (r->nr_extents != 1 || r->extent_order)
        return 0;
    uint64_t mfn = fx_take_mfn_below_4g();
    if (mfn == FX_NO_PAGE)
        return 0;
    extents[0] = mfn;
    return 1;
}

/* Where the machine-to-physical table is, in extents of 2 MiB: frames of Xen's, numbered as the memfd's pages. */
static long machphys_mfn_list(struct xen_machphys_mfn_list *l)
{
    for (unsigned i = 0; i < l->max_extents; i++)
        l->extent_start.p[i] = FX_M2P + i * 512ull;
    l->nr_extents = l->max_extents;
    fx.m2p = true;
    return 0;
}

static long set_memory_map(struct xen_foreign_memory_map *m)
{
    struct e820entry *entries = m->map.buffer.p;
    if (m->map.nr_entries > E820MAX)
        return -EINVAL;
    fx.ne820 = m->map.nr_entries;
    fx.e820_set = true;
    for (unsigned i = 0; i < fx.ne820; i++)
        fx.e820[i] = (struct fx_e820){ entries[i].addr, entries[i].size, entries[i].type };
    return 0;
}

/* Tells the counts; with room enough in the caller's tables, their contents too. */
static long get_vnuma_info(struct xen_vnuma_topology_info *t)
{
    const struct fx_vnuma *n = &fx.vnuma;

    if (!n->nodes)
        return -EOPNOTSUPP;
    bool fits = t->nr_vnodes >= n->nodes && t->nr_vcpus >= n->vcpus && t->nr_vmemranges >= n->ranges;
    t->nr_vnodes = n->nodes;
    t->nr_vcpus = n->vcpus;
    t->nr_vmemranges = n->ranges;
    if (!fits)
        return -ENOBUFS;
    memcpy(t->vdistance.h.p, n->vdistance, (size_t)n->nodes * n->nodes * sizeof(*n->vdistance));
    memcpy(t->vcpu_to_vnode.h.p, n->vcpu_to_vnode, n->vcpus * sizeof(*n->vcpu_to_vnode));
    memcpy(t->vmemrange.h.p, n->vmemrange, n->ranges * sizeof(*n->vmemrange));
    return 0;
}

long fx_memory_op(unsigned cmd, void *arg)
{
    switch (cmd) {
    case XENMEM_populate_physmap: return populate(arg);
    case XENMEM_decrease_reservation: return decrease_reservation(arg);
    case XENMEM_increase_reservation: return increase_reservation(arg);
    case XENMEM_claim_pages: {
        struct xen_memory_reservation *r = arg;
        fx.claims++;
        if (r->nr_extents)
            fx.claim_last = r->nr_extents;
        return 0;
    }
    case XENMEM_set_memory_map: return set_memory_map(arg);
    case XENMEM_machine_memory_map: return fx_machine_memory_map(arg);
    case XENMEM_maximum_gpfn: return fx.max_gfn ? (long)fx.max_gfn - 1 : 0;
    case XENMEM_maximum_ram_page: return FX_HOST_BYTES / FX_PAGE - 1;
    case XENMEM_current_reservation: return fx.tot_pages;
    case XENMEM_maximum_reservation: return fx.max_pages;
    case XENMEM_set_pod_target: {
        xen_pod_target_t *t = arg;
        fx.pod_target = t->target_pages;
        fx.pod_set = true;
        fx.tot_pages = t->tot_pages = t->pod_cache_pages = t->target_pages;
        t->pod_entries = 0;
        return 0;
    }
    case XENMEM_get_pod_target: {
        xen_pod_target_t *t = arg;
        t->tot_pages = fx.tot_pages;
        t->pod_cache_pages = t->pod_entries = 0;
        return 0;
    }
    case XENMEM_machphys_mfn_list: return machphys_mfn_list(arg);
    case XENMEM_reserved_device_memory_map: return fx_reserved_device_memory_map(arg);
    case XENMEM_get_vnumainfo: return get_vnuma_info(arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
    case XENMEM_add_to_physmap:
    case XENMEM_remove_from_physmap: return 0;
    }
    fprintf(stderr, "fakexen: unhandled memory_op %u\n", cmd);
    fx.unhandled++;
    return -ENOSYS;
}
