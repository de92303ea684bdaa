/* The smaller hypercalls, and the switch over all of them. */
#include "fakexen.h"

static long hvm_op(unsigned cmd, void *arg)
{
    switch (cmd) {
    case HVMOP_set_param: {
        struct xen_hvm_param *h = arg;
        if (!fx.hvm)
            return -EINVAL;
        GROW(fx.params, fx.nparams);
        fx.params[fx.nparams++] = (struct fx_param){ h->index, h->value };
        return 0;
    }
    case HVMOP_get_param: {
        struct xen_hvm_param *h = arg;
        h->value = 0;
        if (!fx.hvm)
            return -EINVAL;
        for (unsigned i = 0; i < fx.nparams; i++)
            if (fx.params[i].index == h->index)
                h->value = fx.params[i].value;
        return 0;
    }
    }
    TRACE("hvm_op %u ignored\n", cmd);
    return 0;
}

static long evtchn_op(unsigned cmd, void *arg)
{
    switch (cmd) {
    case EVTCHNOP_alloc_unbound: {
        struct evtchn_alloc_unbound *a = arg;
        if (fx.next_port >= 16)
            return -ENOSPC;
        a->port = fx.next_port;
        fx.ports[fx.next_port].port = a->port;
        fx.ports[fx.next_port].remote = a->remote_dom;
        fx.next_port++;
        return 0;
    }
    case EVTCHNOP_reset:
    case EVTCHNOP_close:
    case EVTCHNOP_send: return 0;
    }
    return -ENOSYS;
}

static long grant_op(unsigned cmd, void *arg)
{
    switch (cmd) {
    case GNTTABOP_setup_table: {
        struct gnttab_setup_table *s = arg;
        s->status = GNTST_general_error;
        return 0;
    }
    case GNTTABOP_query_size: {
        struct gnttab_query_size *q = arg;
        q->nr_frames = 1;
        q->max_nr_frames = FX_GRANT_PAGES;
        q->status = GNTST_okay;
        return 0;
    }
    case GNTTABOP_get_version: {
        struct gnttab_get_version *g = arg;
        g->version = 1;
        return 0;
    }
    case GNTTABOP_set_version: return 0;
    }
    return -ENOSYS;
}

static long mmuext(struct mmuext_op *op, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        GROW(fx.pins, fx.npins);
        fx.pins[fx.npins++] = (struct fx_pin){ op[i].cmd, op[i].arg1.mfn };
    }
    return 0;
}

long fx_hypercall(unsigned op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    fx_init();
    fx.n_hypercalls++;
    TRACE("hypercall %u %#lx %#lx\n", op, (long)a1, (long)a2);
    switch (op) {
    case __HYPERVISOR_xen_version: return fx_xen_version(a1, (void *)a2);
    case __HYPERVISOR_memory_op: return fx_memory_op(a1, (void *)a2);
    case __HYPERVISOR_domctl: return fx_domctl((void *)a1);
    case __HYPERVISOR_sysctl: return fx_sysctl((void *)a1);
    case __HYPERVISOR_hvm_op: return hvm_op(a1, (void *)a2);
    case __HYPERVISOR_event_channel_op: return evtchn_op(a1, (void *)a2);
    case __HYPERVISOR_grant_table_op: return grant_op(a1, (void *)a2);
    case __HYPERVISOR_mmuext_op: return mmuext((void *)a1, a2);
    case __HYPERVISOR_mmu_update: return 0;
    case __HYPERVISOR_multicall: {
        multicall_entry_t *m = (void *)a1;
        for (uint64_t i = 0; i < a2; i++)
            m[i].result =
                fx_hypercall(m[i].op, m[i].args[0], m[i].args[1], m[i].args[2], m[i].args[3], m[i].args[4]);
        return 0;
    }
    case __HYPERVISOR_physdev_op:
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_dm_op: return 0;
    case __HYPERVISOR_xsm_op:
    case __HYPERVISOR_hypfs_op: return -ENOSYS;
    }
    fprintf(stderr, "fakexen: unhandled hypercall %u\n", op);
    fx.unhandled++;
    return -ENOSYS;
}
