/* The entry points of Xen's libraries, overridden: an executable's or a preloaded definition wins. */
#include "fakexen.h"
#include <sys/eventfd.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>

/* ---- libxencall */

struct xencall_handle {
    int fd;
};

static long ret(long r)
{
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return r;
}

xencall_handle *xencall_open(struct xentoollog_logger *l, unsigned f)
{
    fx_init();
    return calloc(1, sizeof(xencall_handle));
}

int xencall_close(xencall_handle *x)
{
    free(x);
    return 0;
}

int xencall_fd(xencall_handle *x)
{
    return fx.memfd;
}

int xencall0(xencall_handle *x, unsigned op)
{
    return ret(fx_hypercall(op, 0, 0, 0, 0, 0));
}

int xencall1(xencall_handle *x, unsigned op, uint64_t a)
{
    return ret(fx_hypercall(op, a, 0, 0, 0, 0));
}

int xencall2(xencall_handle *x, unsigned op, uint64_t a, uint64_t b)
{
    return ret(fx_hypercall(op, a, b, 0, 0, 0));
}

long xencall2L(xencall_handle *x, unsigned op, uint64_t a, uint64_t b)
{
    return ret(fx_hypercall(op, a, b, 0, 0, 0));
}

int xencall3(xencall_handle *x, unsigned op, uint64_t a, uint64_t b, uint64_t c)
{
    return ret(fx_hypercall(op, a, b, c, 0, 0));
}

int xencall4(xencall_handle *x, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return ret(fx_hypercall(op, a, b, c, d, 0));
}

int xencall5(xencall_handle *x, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    return ret(fx_hypercall(op, a, b, c, d, e));
}

void *xencall_alloc_buffer_pages(xencall_handle *x, size_t n)
{
    return aligned_alloc(4096, n * 4096);
}

void xencall_free_buffer_pages(xencall_handle *x, void *p, size_t n)
{
    free(p);
}

void *xencall_alloc_buffer(xencall_handle *x, size_t n)
{
    return malloc(n ? n : 1);
}

void xencall_free_buffer(xencall_handle *x, void *p)
{
    free(p);
}

int xencall_buffers_never_fault(xencall_handle *x)
{
    return 1;
}

/* ---- libxenforeignmemory */

struct xenforeignmemory_handle {
    int fd;
};
xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *l, unsigned f)
{
    fx_init();
    return calloc(1, sizeof(xenforeignmemory_handle));
}

int xenforeignmemory_close(xenforeignmemory_handle *f)
{
    free(f);
    return 0;
}

/* A frame of the guest's, or of Xen's own as XENMEM_machphys_mfn_list numbers them. */
static uint64_t page_of(uint32_t dom, xen_pfn_t frame)
{
    return dom == DOMID_XEN ? frame : fx_page_of_mfn(frame);
}

static bool can_be_mapped(uint32_t dom, uint64_t page)
{
    if (dom == DOMID_XEN)
        return page >= FX_M2P && page < FX_M2P + FX_M2P_PAGES;
    return page == FX_SHARED_INFO || (page != FX_NO_PAGE && fx_is_populated(page));
}

void *xenforeignmemory_map2(xenforeignmemory_handle *f, uint32_t dom, void *addr, int prot, int flags,
                            size_t num, const xen_pfn_t arr[], int err[])
{
    size_t i, j;
    uint8_t *base;
    bool bad = false;
    fx.n_maps++;
    fx.n_map_pages += num;
    if (!num) {
        errno = EINVAL;
        return NULL;
    }
    for (i = 0; i < num; i++) {
        int e = can_be_mapped(dom, page_of(dom, arr[i])) ? 0 : -EINVAL;
        if (err)
            err[i] = e;
        if (e) {
            bad = true;
            if (!err) {
                TRACE("map: frame %#lx not populated\n", (long)arr[i]);
                errno = EINVAL;
                return NULL;
            }
        }
    }
    /* one contiguous run is the usual case */
    uint64_t first = page_of(dom, arr[0]);
    for (i = 1; i < num && page_of(dom, arr[i]) == first + i; i++)
        ;
    if (i == num && !bad) {
        base =
            mmap(addr, num * FX_PAGE, prot, MAP_SHARED | (addr ? MAP_FIXED : 0), fx.memfd, first * FX_PAGE);
        return base == MAP_FAILED ? NULL : base;
    }
    base = mmap(addr, num * FX_PAGE, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (addr ? MAP_FIXED : 0), -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    for (i = 0; i < num; i = j) {
        uint64_t p = page_of(dom, arr[i]);
        j = i + 1;
        if (err && err[i])
            continue;
        while (j < num && !(err && err[j]) && page_of(dom, arr[j]) == p + (j - i))
            j++;
        if (mmap(base + i * FX_PAGE, (j - i) * FX_PAGE, prot, MAP_SHARED | MAP_FIXED, fx.memfd,
                 p * FX_PAGE) == MAP_FAILED) {
            munmap(base, num * FX_PAGE);
            return NULL;
        }
    }
    return base;
}

void *xenforeignmemory_map(xenforeignmemory_handle *f, uint32_t dom, int prot, size_t num,
                           const xen_pfn_t arr[], int err[])
{
    return xenforeignmemory_map2(f, dom, NULL, prot, 0, num, arr, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *f, void *addr, size_t n)
{
    return munmap(addr, n * FX_PAGE);
}

int xenforeignmemory_restrict(xenforeignmemory_handle *f, domid_t d)
{
    return 0;
}

struct xenforeignmemory_resource_handle {
    void *addr;
    size_t len;
};
xenforeignmemory_resource_handle *xenforeignmemory_map_resource(xenforeignmemory_handle *f, domid_t domid,
                                                                unsigned type, unsigned id,
                                                                unsigned long frame, unsigned long nr,
                                                                void **paddr, int prot, int flags)
{
    if (type != XENMEM_resource_grant_table || id != XENMEM_resource_grant_table_id_shared ||
        frame + nr > FX_GRANT_PAGES) {
        errno = EOPNOTSUPP;
        return NULL;
    }
    xenforeignmemory_resource_handle *h = calloc(1, sizeof(*h));
    h->len = nr * FX_PAGE;
    h->addr = fx_map_pages(FX_GRANT_TABLE + frame, nr, prot);
    if (!h->addr) {
        free(h);
        return NULL;
    }
    *paddr = h->addr;
    return h;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *f, xenforeignmemory_resource_handle *h)
{
    munmap(h->addr, h->len);
    free(h);
    return 0;
}

int xenforeignmemory_resource_size(xenforeignmemory_handle *f, domid_t d, unsigned t, unsigned id, size_t *sz)
{
    errno = EOPNOTSUPP;
    return -1;
}

/* ---- libxendevicemodel */

struct xendevicemodel_handle {
    int x;
};
xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *l, unsigned f)
{
    return calloc(1, sizeof(xendevicemodel_handle));
}

int xendevicemodel_close(xendevicemodel_handle *h)
{
    free(h);
    return 0;
}

/* ---- libxenevtchn */

struct xenevtchn_handle {
    int fd;
};
xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *l, unsigned int f)
{
    xenevtchn_handle *h = calloc(1, sizeof(*h));
    h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return h;
}

int xenevtchn_close(xenevtchn_handle *h)
{
    if (h) {
        close(h->fd);
        free(h);
    }
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
    return h->fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t d, evtchn_port_t p)
{
    return p;
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t p)
{
    return 0;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t p)
{
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
    return -1;
}
