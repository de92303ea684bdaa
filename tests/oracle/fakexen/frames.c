/* Guest memory: one sparse memfd, a bitmap of the frames that exist, and machine frame numbers. */
#include "fakexen.h"

struct fx_state fx;

static uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

void fx_init(void)
{
    if (fx.inited)
        return;
    fx.inited = true;
    fx.superpages = environment_number("FAKEXEN_SUPERPAGES", 1);
    fx.mfn_base = environment_number("FAKEXEN_MFN_BASE", 0);
    fx.shared_info_mfn = environment_number("FAKEXEN_SHINFO_MFN", 0);
    fx.fill_hypercall = environment_number("FAKEXEN_HYPERCALL_PAGE", 0);
    fx.trace = environment_number("FAKEXEN_TRACE", 0);
    fx.cpus = environment_number("FAKEXEN_CPUS", FX_HOST_CPUS);
    fx.nodes = environment_number("FAKEXEN_NODES", FX_HOST_NODES);
    fx_init_host();
    fx.address_size = 64;
    fx.domid = 1;
    fx.max_vcpus = 1;
    fx.next_port = 1;
    fx.max_pages = ~0ull;
    fx.memfd = memfd_create("fakexen", MFD_CLOEXEC);
    if (fx.memfd < 0 || ftruncate(fx.memfd, FX_TOTAL_PAGES * FX_PAGE)) {
        perror("fakexen: memfd");
        abort();
    }
    fx.populated = mmap(NULL, FX_GUEST_PAGES / 8, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fx.populated == MAP_FAILED)
        abort();
}

bool fx_is_populated(uint64_t page)
{
    return page < FX_GUEST_PAGES && (fx.populated[page / 64] >> (page % 64)) & 1;
}

bool fx_any_populated(uint64_t page, uint64_t count)
{
    while (count) {
        if (page % 64 == 0 && count >= 64) {
            if (fx.populated[page / 64])
                return true;
            page += 64;
            count -= 64;
        } else {
            if (fx_is_populated(page))
                return true;
            page++;
            count--;
        }
    }
    return false;
}

void fx_set_populated(uint64_t page, uint64_t count, bool value)
{
    while (count) {
        if (page % 64 == 0 && count >= 64) {
            fx.populated[page / 64] = value ? ~0ull : 0;
            page += 64;
            count -= 64;
        } else {
            uint64_t bit = 1ull << (page % 64);
            if (value)
                fx.populated[page / 64] |= bit;
            else
                fx.populated[page / 64] &= ~bit;
            page++;
            count--;
        }
    }
}

/*
 * PAE: a guest that cannot have its third-level table above 4 GiB gets that page exchanged for one below.
 * Each exchange is remembered as an exception from mfn = pfn + mfn_base.
 */
static struct {
    uint64_t mfn, page;
} moved[16];
static unsigned nmoved;

uint64_t fx_give_up_mfn(uint64_t mfn)
{
    uint64_t page = fx_page_of_mfn(mfn);
    if (page == FX_NO_PAGE || !fx_is_populated(page))
        return FX_NO_PAGE;
    moved[nmoved].page = page;
    moved[nmoved].mfn = FX_NO_PAGE;
    fx_set_populated(page, 1, false);
    fx.tot_pages--;
    return page;
}

uint64_t fx_take_mfn_below_4g(void)
{
    if (nmoved >= 15)
        return FX_NO_PAGE;
    moved[nmoved].mfn = 0x80000 + nmoved;
    fx_set_populated(moved[nmoved].page, 1, true);
    fx.tot_pages++;
    fx.l3_moves++;
    return moved[nmoved++].mfn;
}

/*
 * The frame of the shared info page, outside the guest: a fixed one that fits the 32 bits of a PAE guest,
 * unless the guest owns it. Asked for before the guest has its memory the answer is provisional; libxenguest
 * uses the last one.
 */
uint64_t fx_shared_info_mfn(void)
{
    uint64_t low = fx.mfn_base, high = fx.mfn_base + fx.max_gfn;
    if (fx.shared_info_mfn)
        return fx.shared_info_mfn;
    return 0xffffe >= low && 0xffffe < high ? (high | 0xff) + 1 : 0xffffe;
}

uint64_t fx_page_of_mfn(uint64_t mfn)
{
    if (fx.hvm)
        return mfn < FX_GUEST_PAGES ? mfn : FX_NO_PAGE;
    for (unsigned i = 0; i < nmoved; i++)
        if (moved[i].mfn == mfn)
            return moved[i].page;
    if (mfn == fx_shared_info_mfn())
        return FX_SHARED_INFO;
    if (mfn < fx.mfn_base || mfn - fx.mfn_base >= FX_GUEST_PAGES)
        return FX_NO_PAGE;
    return mfn - fx.mfn_base;
}

/* The machine-to-physical table, which Xen keeps for all and a restore of a PV guest reads. */
void fx_note_m2p(uint64_t mfn, uint64_t gfn, uint64_t count)
{
    for (; fx.m2p && count; mfn++, gfn++, count--)
        if (pwrite(fx.memfd, &gfn, sizeof(gfn), FX_M2P * FX_PAGE + mfn * sizeof(gfn)) != sizeof(gfn)) {
            perror("fakexen: m2p");
            abort();
        }
}

void *fx_map_pages(uint64_t page, uint64_t count, int prot)
{
    void *p = mmap(NULL, count * FX_PAGE, prot, MAP_SHARED, fx.memfd, page * FX_PAGE);
    return p == MAP_FAILED ? NULL : p;
}
