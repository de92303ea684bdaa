/* Writes memory.img, domain.json and the vCPU contexts' bytes. */
#include "fakexen.h"
#include "json.h"

static const char *param_name(uint32_t index)
{
    switch (index) {
#define NAME(x) \
    case HVM_PARAM_##x: return #x
        NAME(CALLBACK_IRQ);
        NAME(STORE_PFN);
        NAME(STORE_EVTCHN);
        NAME(IOREQ_PFN);
        NAME(BUFIOREQ_PFN);
        NAME(VIRIDIAN);
        NAME(TIMER_MODE);
        NAME(HPET_ENABLED);
        NAME(IDENT_PT);
        NAME(ACPI_S_STATE);
        NAME(VM86_TSS);
        NAME(VPT_ALIGN);
        NAME(CONSOLE_PFN);
        NAME(CONSOLE_EVTCHN);
        NAME(MEMORY_EVENT_CR0);
        NAME(PAGING_RING_PFN);
        NAME(MONITOR_RING_PFN);
        NAME(SHARING_RING_PFN);
        NAME(TRIPLE_FAULT_REASON);
        NAME(IOREQ_SERVER_PFN);
        NAME(NR_IOREQ_SERVER_PAGES);
        NAME(VM_GENERATION_ID_ADDR);
        NAME(ALTP2M);
        NAME(X87_FIP_WIDTH);
        NAME(VM86_TSS_SIZED);
        NAME(MCA_CAP);
#undef NAME
    }
    return "?";
}

/* ---- memory.img: the guest's frames, with holes for pages that are all zero or not there */

static int write_pages(int fd, const uint8_t *bytes, size_t count, off_t at)
{
    while (count) {
        ssize_t n = pwrite(fd, bytes, count, at);
        if (n <= 0) {
            perror("pwrite");
            return -1;
        }
        bytes += n, count -= n, at += n;
    }
    return 0;
}

/* Write the pages of one mapped extent that hold anything, run by run. */
static int write_extent(int fd, const uint8_t *bytes, size_t size, off_t at, uint64_t *written)
{
    for (size_t i = 0, end; i < size; i = end) {
        bool zero = fx_all_zero(bytes + i, FX_PAGE);
        for (end = i + FX_PAGE; end < size && fx_all_zero(bytes + end, FX_PAGE) == zero; end += FX_PAGE)
            ;
        if (zero)
            continue;
        if (write_pages(fd, bytes + i, end - i, at + i))
            return -1;
        *written += end - i;
    }
    return 0;
}

static int write_image(const char *path, uint64_t *written)
{
    const off_t chunk = 64 << 20, end = FX_GUEST_PAGES * FX_PAGE;
    int failed = 0, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || ftruncate(fd, fx.max_gfn * FX_PAGE)) {
        perror(path);
        return -1;
    }
    for (off_t at = 0; !failed && (at = lseek(fx.memfd, at, SEEK_DATA)) >= 0 && at < end;) {
        off_t stop = lseek(fx.memfd, at, SEEK_HOLE);
        if (stop > end)
            stop = end;
        if (stop > at + chunk)
            stop = at + chunk;
        uint8_t *bytes = mmap(NULL, stop - at, PROT_READ, MAP_SHARED | MAP_POPULATE, fx.memfd, at);
        if (bytes == MAP_FAILED) {
            perror("mmap");
            failed = -1;
            break;
        }
        failed = write_extent(fd, bytes, stop - at, at, written);
        munmap(bytes, stop - at);
        at = stop;
    }
    return close(fd) || failed ? -1 : 0;
}

/* ---- vcpu_contexts.bin (PV), hvm_contexts.bin: what was set, one behind the other */

static int write_blobs(const char *dir, const char *name, const struct fx_blob *blobs, unsigned count)
{
    char path[4096];

    if (!count)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return -1;
    }
    for (unsigned i = 0; i < count; i++)
        fwrite(blobs[i].p, 1, blobs[i].len, f);
    return fclose(f);
}

/* ---- domain.json: first what libxenguest knows, then what it asked of the hypervisor */

static void populated_ranges(struct json *j)
{
    uint64_t gfn = 0;

    json_array(j, "populated");
    while (gfn < fx.max_gfn) {
        uint64_t first;
        while (gfn < fx.max_gfn && !fx_is_populated(gfn))
            gfn += gfn % 64 == 0 && !fx.populated[gfn / 64] ? 64 : 1;
        for (first = gfn; gfn < fx.max_gfn && fx_is_populated(gfn);)
            gfn += gfn % 64 == 0 && !~fx.populated[gfn / 64] ? 64 : 1;
        if (first >= gfn)
            break;
        json_array(j, NULL);
        json_hex(j, NULL, first);
        json_hex(j, NULL, gfn);
        json_end(j);
    }
    json_end(j);

    json_array(j, "populate_calls");
    for (unsigned i = 0; i < fx.nruns; i++) {
        json_object(j, NULL);
        json_hex(j, "gfn", fx.runs[i].gfn);
        json_number(j, "pages", fx.runs[i].nr);
        json_number(j, "order", fx.runs[i].order);
        json_number(j, "memflags", fx.runs[i].memflags);
        json_end(j);
    }
    json_end(j);
}

static void memory(struct json *j, uint64_t written)
{
    json_number(j, "domid", fx.domid);
    json_hex(j, "mfn_base", fx.mfn_base);
    json_bool(j, "superpages", fx.superpages);
    json_number(j, "image_bytes", fx.max_gfn * FX_PAGE);
    json_number(j, "image_nonzero_bytes", written);
    json_number(j, "tot_pages", fx.tot_pages);
    json_number(j, "max_pages", fx.max_pages);
    populated_ranges(j);
    if (fx.pod_set)
        json_number(j, "pod_target", fx.pod_target);
    json_number(j, "repopulated_pages", fx.repopulated);
    json_number(j, "claim_calls", fx.claims);
    json_number(j, "claimed_pages", fx.claim_last);
}

static void interfaces(struct json *j)
{
    json_array(j, "event_channels");
    for (unsigned i = 1; i < fx.next_port; i++) {
        json_object(j, NULL);
        json_number(j, "port", fx.ports[i].port);
        json_number(j, "remote_domid", fx.ports[i].remote);
        json_end(j);
    }
    json_end(j);

    if (fx.e820_set)
        json_array(j, "e820");
    else
        json_null(j, "e820");
    for (unsigned i = 0; i < fx.ne820; i++) {
        json_object(j, NULL);
        json_hex(j, "addr", fx.e820[i].addr);
        json_hex(j, "size", fx.e820[i].size);
        json_number(j, "type", fx.e820[i].type);
        json_end(j);
    }
    if (fx.e820_set)
        json_end(j);

    json_array(j, "hvm_params");
    for (unsigned i = 0; i < fx.nparams; i++) {
        json_object(j, NULL);
        json_number(j, "index", fx.params[i].index);
        json_string(j, "name", param_name(fx.params[i].index));
        json_hex(j, "value", fx.params[i].value);
        json_end(j);
    }
    json_end(j);
}

static void numbers(struct json *j, const char *key, const unsigned *values, unsigned count)
{
    json_array(j, key);
    for (unsigned i = 0; i < count; i++)
        json_number(j, NULL, values[i]);
    json_end(j);
}

static void vnuma(struct json *j)
{
    const struct fx_vnuma *n = &fx.vnuma;

    if (!n->nodes) {
        json_null(j, "vnuma");
        return;
    }
    json_object(j, "vnuma");
    numbers(j, "vnode_to_pnode", n->vnode_to_pnode, n->nodes);
    numbers(j, "vcpu_to_vnode", n->vcpu_to_vnode, n->vcpus);
    json_array(j, "vdistance");
    for (unsigned i = 0; i < n->nodes; i++)
        numbers(j, NULL, n->vdistance + i * n->nodes, n->nodes);
    json_end(j);
    json_array(j, "vmemranges");
    for (unsigned i = 0; i < n->ranges; i++) {
        json_object(j, NULL);
        json_hex(j, "start", n->vmemrange[i].start);
        json_hex(j, "end", n->vmemrange[i].end);
        json_number(j, "vnode", n->vmemrange[i].nid);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

static void pv_only(struct json *j)
{
    json_number(j, "address_size", fx.address_size);
    if (fx.hypercall_set)
        json_hex(j, "hypercall_page_gmfn", fx.hypercall_gmfn);
    else
        json_null(j, "hypercall_page_gmfn");
    json_bool(j, "hypercall_page_filled", fx.fill_hypercall);
    json_number(j, "l3_moved_below_4g", fx.l3_moves);
    json_array(j, "mmuext_ops");
    for (unsigned i = 0; i < fx.npins; i++) {
        json_object(j, NULL);
        json_number(j, "cmd", fx.pins[i].cmd);
        json_hex(j, "mfn", fx.pins[i].mfn);
        json_end(j);
    }
    json_end(j);

    uint8_t *page = fx_map_pages(FX_SHARED_INFO, 1, PROT_READ);
    size_t used = FX_PAGE;
    while (used && !page[used - 1])
        used--;
    json_object(j, "shared_info_page");
    json_bytes(j, "trailing_zero_trimmed", page, used);
    json_end(j);
    munmap(page, FX_PAGE);
}

static void grant_table(struct json *j)
{
    grant_entry_v1_t *g = fx_map_pages(FX_GRANT_TABLE, 1, PROT_READ);

    json_array(j, "grant_table");
    for (unsigned i = 0; i < FX_PAGE / sizeof(*g); i++) {
        if (!g[i].flags)
            continue;
        json_object(j, NULL);
        json_number(j, "index", i);
        json_number(j, "flags", g[i].flags);
        json_number(j, "domid", g[i].domid);
        json_hex(j, "frame", g[i].frame);
        json_end(j);
    }
    json_end(j);
    munmap(g, FX_PAGE);
}

static void toolstack(struct json *j, const struct fx_times *times, double writing)
{
    json_object(j, "domctl");
    json_hex(j, "cdf_flags", fx.cdf_flags);
    json_hex(j, "emulation_flags", fx.emulation_flags);
    json_number(j, "max_vcpus", fx.max_vcpus);
    json_number(j, "tsc_mode", fx.tsc_mode);
    json_number(j, "shadow_mb", fx.shadow_mb);
    json_number(j, "paging_pool_bytes", fx.paging_pool_bytes);
    json_end(j);

    json_object(j, "stats");
    json_number(j, "hypercalls", fx.n_hypercalls);
    json_number(j, "foreign_maps", fx.n_maps);
    json_number(j, "foreign_map_pages", fx.n_map_pages);
    json_number(j, "unhandled", fx.unhandled);
    json_end(j);

    json_object(j, "seconds");
    json_seconds(j, "parse", times->parse);
    json_seconds(j, "meminit", times->meminit);
    json_seconds(j, "build", times->build);
    json_seconds(j, "boot", times->boot);
    json_seconds(j, "libxenguest_total", times->lib_total);
    json_seconds(j, "write_image", writing);
    json_end(j);
}

int fx_write_all(const char *dir, const struct fx_times *times)
{
    char path[4096];
    uint64_t written = 0;
    double started = fx_now(), writing;

    snprintf(path, sizeof(path), "%s/memory.img", dir);
    if (write_image(path, &written) || write_blobs(dir, "vcpu_contexts.bin", fx.contexts, fx.ncontexts) ||
        write_blobs(dir, "hvm_contexts.bin", fx.hvm_contexts, fx.nhvm_contexts))
        return -1;
    writing = fx_now() - started;

    snprintf(path, sizeof(path), "%s/domain.json", dir);
    struct json j = { .f = fopen(path, "w") };
    if (!j.f) {
        perror(path);
        return -1;
    }
    json_object(&j, NULL);
    json_string(&j, "format", "xcbuild-domain-1");
    fx_json_dom(&j);
    memory(&j, written);
    interfaces(&j);
    vnuma(&j);
    fx_json_start_info(&j);
    if (!fx.hvm)
        pv_only(&j);
    fx_json_vcpus(&j);
    grant_table(&j);
    toolstack(&j, times, writing);
    json_end(&j);
    return fclose(j.f);
}
