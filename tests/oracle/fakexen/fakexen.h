/*
 * fakexen: a user-space stand-in for the hypervisor, reached where Xen's libraries would enter it
 * (libxencall, libxenforeignmemory, libxenevtchn, libxendevicemodel). It is enough for libxenguest, and for
 * xl with libxl above it, to build a domain. Written against Xen's public headers only.
 *
 *   frames.c       guest memory: one sparse memfd, which frames exist, which machine frame is which
 *   memory_op.c    XENMEM_*
 *   host.c         the host's memory map and reserved device memory
 *   domctl.c       XEN_DOMCTL_*
 *   sysctl.c       XEN_SYSCTL_*, XENVER_*: the host that the guest is built for
 *   hypercall.c    the other hypercalls, and the switch over all of them
 *   libraries.c    the libraries' entry points, overridden
 *   json.c         a small JSON writer
 *   record_dom.c   what libxenguest's struct xc_dom_image says, as JSON
 *   record_vcpu.c  vCPU contexts as JSON
 *   record.c       memory.img and domain.json
 *   xcbuild.c      a driver of its own for libxenguest: builds a domain
 *   xcrestore.c    another: restores one from a save file
 *   xl_*.c         what the real xl needs besides: a xenstore, file names, the moment to record
 */
#ifndef FAKEXEN_H
#define FAKEXEN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define XC_WANT_COMPAT_MAP_FOREIGN_API 1

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenguest.h>
#include <xencall.h>
#include <xenforeignmemory.h>
#include <xen/memory.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/grant_table.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/hvm/e820.h>
#include <xen/hvm/hvm_info_table.h>
#include <xen/foreign/x86_32.h>
#include <xen/foreign/x86_64.h>
#include <xen/arch-x86/hvm/start_info.h>

#define FX_PAGE 4096ull

/* The memfd's layout, in pages: the guest's frames, then pages that are Xen's own. */
#define FX_GUEST_PAGES (1ull << 30) /* 4 TiB */
#define FX_SHARED_INFO (FX_GUEST_PAGES + 0)
#define FX_GRANT_TABLE (FX_GUEST_PAGES + 16)
#define FX_GRANT_PAGES 64
#define FX_M2P         (FX_GUEST_PAGES + 4096) /* by machine frame: which of the guest's it is, 8 bytes each */
#define FX_M2P_PAGES   (FX_HOST_BYTES / FX_PAGE * 8 / FX_PAGE)
#define FX_TOTAL_PAGES (FX_M2P + FX_M2P_PAGES)
#define FX_NO_PAGE     (~0ull)

/* The host: memory enough for any guest that fits above. */
#define FX_HOST_BYTES      (8ull << 40)
#define FX_HOST_FREE_BYTES (7ull << 40)
#define FX_HOST_CPUS       128
#define FX_HOST_NODES      1

struct fx_run {
    uint64_t gfn, nr;
    uint32_t order, memflags;
};
struct fx_param {
    uint32_t index;
    uint64_t value;
};
struct fx_blob {
    uint8_t *p;
    size_t len;
    uint32_t tag;
};
struct fx_pin {
    uint32_t cmd;
    uint64_t mfn;
};
struct fx_e820 {
    uint64_t addr, size;
    uint32_t type;
};
struct fx_port {
    uint32_t port, remote;
};
struct fx_vnuma {
    unsigned nodes, ranges, vcpus;
    xen_vmemrange_t *vmemrange;
    unsigned *vdistance, *vcpu_to_vnode, *vnode_to_pnode;
};

struct fx_state {
    /* knobs: xcbuild's options, or FAKEXEN_* in the environment */
    bool superpages;          /* allow populating 2 MiB and 1 GiB at once */
    uint64_t mfn_base;        /* PV: mfn = pfn + mfn_base */
    uint64_t shared_info_mfn; /* 0: chosen by fx_shared_info_mfn */
    bool fill_hypercall;      /* write stubs into the hypercall page */
    bool trace;
    bool iommu; /* the host has one, and can share its tables with HAP */
    unsigned cpus, nodes;

    /* the domain */
    bool inited, exists, hvm;
    uint32_t domid, ssidref, cdf_flags, max_vcpus, emulation_flags;
    uint8_t handle[16];
    uint64_t max_pages, tot_pages;
    uint32_t address_size;
    int memfd;
    uint64_t *populated; /* bitmap over the guest's frames */
    uint64_t max_gfn;    /* highest populated frame + 1 */
    bool m2p;            /* somebody reads the table at FX_M2P: keep it */

    /* what the toolstack asked for, in order */
    struct fx_run *runs;
    struct fx_param *params;
    struct fx_pin *pins;
    struct fx_blob *contexts;     /* setvcpucontext; tag = vCPU */
    struct fx_blob *hvm_contexts; /* sethvmcontext */
    unsigned nruns, nparams, npins, ncontexts, nhvm_contexts;
    struct fx_e820 e820[E820MAX];
    unsigned ne820;
    bool e820_set;
    struct fx_vnuma vnuma; /* setvnumainfo; no nodes: it was not called */
    uint64_t hypercall_gmfn;
    bool hypercall_set;
    unsigned next_port;
    struct fx_port ports[16];
    uint64_t claims, claim_last;
    uint32_t tsc_mode, gtsc_khz;
    uint64_t paging_pool_bytes;
    uint32_t shadow_mb;
    uint64_t pod_target; /* populate-on-demand: frames that the guest may have at start */
    bool pod_set;
    uint64_t repopulated; /* frames populated a second time */
    uint64_t l3_moves;
    uint64_t n_hypercalls, n_maps, n_map_pages;
    unsigned unhandled;
};
extern struct fx_state fx;

#define TRACE(...)                                    \
    do {                                              \
        if (fx.trace)                                 \
            fprintf(stderr, "fakexen: " __VA_ARGS__); \
    } while (0)

/* Room for one more element in an array; it grows by doubling at every power of two. */
#define GROW(array, count)                                                              \
    do {                                                                                \
        if (((count) & ((count) - 1)) == 0) {                                           \
            (array) = realloc((array), ((count) ? (count) * 2 : 1) * sizeof(*(array))); \
            if (!(array))                                                               \
                abort();                                                                \
        }                                                                               \
    } while (0)

/* frames.c */
void fx_init(void);
bool fx_is_populated(uint64_t page);
bool fx_any_populated(uint64_t first, uint64_t count);
void fx_set_populated(uint64_t first, uint64_t count, bool value);
uint64_t fx_page_of_mfn(uint64_t mfn); /* FX_NO_PAGE if it is nobody's */
uint64_t fx_give_up_mfn(uint64_t mfn);
uint64_t fx_take_mfn_below_4g(void);
uint64_t fx_shared_info_mfn(void); /* PV: the frame Xen would have chosen */
void fx_note_m2p(uint64_t mfn, uint64_t gfn, uint64_t count);
void *fx_map_pages(uint64_t page, uint64_t count, int prot);

/* host.c */
void fx_init_host(void);
long fx_machine_memory_map(struct xen_memory_map *map);
long fx_reserved_device_memory_map(struct xen_reserved_device_memory_map *map);

/* memory_op.c, domctl.c, sysctl.c, hypercall.c: results are 0 or more, or -errno */
long fx_memory_op(unsigned cmd, void *arg);
long fx_domctl(struct xen_domctl *op);
long fx_sysctl(struct xen_sysctl *op);
long fx_xen_version(unsigned cmd, void *arg);
void fx_domain_info(struct xen_domctl_getdomaininfo *info, uint32_t domid);
long fx_hypercall(unsigned op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/* record_dom.c, record_vcpu.c, record.c */
struct json;
struct fx_times {
    double parse, meminit, build, boot, lib_total, total;
};
void fx_record_dom(struct xc_dom_image *dom); /* while dom is alive */
void fx_json_dom(struct json *j);
void fx_json_start_info(struct json *j);
void fx_json_vcpus(struct json *j);
int fx_write_all(const char *dir, const struct fx_times *times);

static inline double fx_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static inline bool fx_all_zero(const void *p, size_t n)
{
    const uint8_t *b = p;
    return !n || (!b[0] && !memcmp(b, b + 1, n - 1));
}
#endif
