/* What libxenguest's struct xc_dom_image says, as JSON; taken while it is alive, written out at the end. */
#include "fakexen.h"
#include "json.h"
#include <xen/elfnote.h>
#include <xen/features.h>

/*
 * The start of the kernel's parameter block in the 4.17 ABI (its header is not installed), as far as it is
 * read here. fx_record_dom checks it against the accessors that libxenguest exports.
 */
struct parms417 {
    uintptr_t guest_info, note_start, note_end;
    struct {
        uint32_t type; /* 0 absent, 1 number, 2 string */
        const char *name;
        union {
            const char *str;
            uint64_t num;
        } data;
    } notes[XEN_ELFNOTE_MAX + 1];
    char guest_os[16], guest_ver[16], xen_ver[16], loader[16];
    uint32_t pae;
    bool bsd_symtab, unmapped_initrd;
    uint64_t virt_base, virt_entry, virt_hypercall, virt_hv_start_low, p2m_base, elf_paddr_offset;
    uint32_t f_supported[XENFEAT_NR_SUBMAPS], f_required[XENFEAT_NR_SUBMAPS];
    uint32_t phys_entry;
    uint64_t virt_kstart, virt_kend;
};

static struct {
    bool valid, hvm, is32;
    uint64_t start_info_pfn;
    char *text;
    size_t length;
} recorded;

static void check_layout(struct xc_dom_image *d, const struct parms417 *p)
{
    if (p->virt_base == xc_dom_virt_base(d) && p->virt_entry == xc_dom_virt_entry(d) &&
        p->virt_hypercall == xc_dom_virt_hypercall(d) && p->guest_os == xc_dom_guest_os(d))
        return;
    fprintf(stderr, "fakexen: this libxenguest's kernel parameters are not laid out as 4.17's\n");
    exit(126);
}

static void layout(struct json *j, struct xc_dom_image *d, bool hvm)
{
    json_object(j, "layout");
    json_hex(j, "pfn_alloc_end", d->pfn_alloc_end);
    json_hex(j, "virt_alloc_end", d->virt_alloc_end);
    json_hex(j, "virt_pgtab_end", d->virt_pgtab_end);
    if (hvm) {
        json_hex(j, "mmio_start", d->mmio_start);
        json_hex(j, "mmio_size", d->mmio_size);
        json_hex(j, "lowmem_end", d->lowmem_end);
        json_hex(j, "highmem_end", d->highmem_end);
        json_number(j, "vga_hole_pages", d->vga_hole_size);
        json_number(j, "cmdline_size", d->cmdline_size);
    } else {
        json_hex(j, "start_info_pfn", d->start_info_pfn);
        json_hex(j, "bootstack_pfn", d->bootstack_pfn);
        json_hex(j, "shared_info_pfn", d->shared_info_pfn);
        json_hex(j, "shared_info_mfn", d->shared_info_mfn);
        json_hex(j, "initrd_start", d->initrd_start);
        json_hex(j, "initrd_len", d->initrd_len);
        json_hex(j, "flags", d->flags);
    }
    json_end(j);
}

static void special_pages(struct json *j, struct xc_dom_image *d, bool hvm)
{
    uint64_t first = X86_HVM_END_SPECIAL_REGION - X86_HVM_NR_SPECIAL_PAGES;

    json_object(j, "special_pages");
    json_hex(j, "xenstore", d->xenstore_pfn);
    json_hex(j, "console", d->console_pfn);
    if (hvm) {
        json_hex(j, "paging", first);
        json_hex(j, "access", first + 1);
        json_hex(j, "sharing", first + 2);
        json_hex(j, "bufioreq", first + 3);
        json_hex(j, "ioreq", first + 5);
        json_hex(j, "ident_pt", first + 6);
        if (d->device_model) {
            json_hex(j, "ioreq_server_first", first - 8);
            json_number(j, "ioreq_server_pages", 8);
        }
    } else {
        json_hex(j, "start_info", d->start_info_pfn);
        json_hex(j, "boot_stack", d->bootstack_pfn);
    }
    json_end(j);
}

static void segment(struct json *j, const char *name, const struct xc_dom_seg *s)
{
    if (!s->pages && !s->vend)
        return;
    json_object(j, NULL);
    json_string(j, "name", name);
    json_hex(j, "vstart", s->vstart);
    json_hex(j, "vend", s->vend);
    json_hex(j, "pfn", s->pfn);
    json_number(j, "pages", s->pages);
    json_end(j);
}

static void segments(struct json *j, struct xc_dom_image *d)
{
    char name[32];

    json_array(j, "segments");
    segment(j, "kernel", &d->kernel_seg);
    for (unsigned i = 0; i < d->num_modules; i++) {
        snprintf(name, sizeof(name), "module%u", i);
        segment(j, name, &d->modules[i].seg);
    }
    segment(j, "phys2mach", &d->p2m_seg);
    segment(j, "page tables", &d->pgtables_seg);
    segment(j, "HVM start info", &d->start_info_seg);
    json_end(j);
}

static void firmware_module(struct json *j, const char *name, const struct xc_hvm_firmware_module *m)
{
    if (!m->length)
        return;
    json_object(j, NULL);
    json_string(j, "name", name);
    json_number(j, "length", m->length);
    json_hex(j, "guest_addr", m->guest_addr_out);
    json_end(j);
}

static void modules(struct json *j, struct xc_dom_image *d)
{
    char name[32];

    json_array(j, "firmware_modules");
    firmware_module(j, "system_firmware", &d->system_firmware_module);
    firmware_module(j, "smbios", &d->smbios_module);
    for (unsigned i = 0; i < MAX_ACPI_MODULES; i++) {
        snprintf(name, sizeof(name), "acpi%u", i);
        firmware_module(j, name, &d->acpi_modules[i]);
    }
    json_end(j);

    json_array(j, "modules");
    for (unsigned i = 0; i < d->num_modules; i++) {
        json_object(j, NULL);
        json_number(j, "file_size", d->modules[i].size);
        json_string(j, "cmdline", d->modules[i].cmdline);
        json_end(j);
    }
    json_end(j);
}

static void parameters(struct json *j, const struct parms417 *p)
{
    json_object(j, "parms");
    json_string(j, "guest_os", p->guest_os);
    json_string(j, "guest_ver", p->guest_ver);
    json_string(j, "xen_ver", p->xen_ver);
    json_string(j, "loader", p->loader);
    json_number(j, "pae", p->pae);
    json_bool(j, "bsd_symtab", p->bsd_symtab);
    json_bool(j, "unmapped_initrd", p->unmapped_initrd);
    json_hex(j, "virt_base", p->virt_base);
    json_hex(j, "virt_entry", p->virt_entry);
    json_hex(j, "virt_hypercall", p->virt_hypercall);
    json_hex(j, "virt_hv_start_low", p->virt_hv_start_low);
    json_hex(j, "p2m_base", p->p2m_base);
    json_hex(j, "elf_paddr_offset", p->elf_paddr_offset);
    json_hex(j, "f_supported[0]", p->f_supported[0]);
    json_hex(j, "f_required[0]", p->f_required[0]);
    json_hex(j, "phys_entry", p->phys_entry);
    json_hex(j, "virt_kstart", p->virt_kstart);
    json_hex(j, "virt_kend", p->virt_kend);
    json_end(j);

    json_object(j, "elf_notes");
    for (unsigned i = 0; i <= XEN_ELFNOTE_MAX; i++) {
        if (p->notes[i].type == 2)
            json_string(j, p->notes[i].name, p->notes[i].data.str);
        else if (p->notes[i].type)
            json_hex(j, p->notes[i].name, p->notes[i].data.num);
    }
    json_end(j);
}

void fx_record_dom(struct xc_dom_image *d)
{
    const struct parms417 *p = (const void *)d->parms;
    bool hvm = d->container_type == XC_DOM_HVM_CONTAINER;
    struct json j = { .f = open_memstream(&recorded.text, &recorded.length), .depth = 1 };

    check_layout(d, p);
    recorded.valid = true;
    recorded.hvm = hvm;
    recorded.is32 = !hvm && fx.address_size == 32;
    recorded.start_info_pfn = hvm ? d->start_info_seg.pfn : d->start_info_pfn;

    json_string(&j, "type", !hvm ? "pv" : d->device_model ? "hvm" : "pvh");
    json_string(&j, "container", hvm ? "hvm" : "pv");
    json_string(&j, "guest_type", d->guest_type);
    json_bool(&j, "device_model", d->device_model);
    json_string(&j, "cmdline", d->cmdline);
    json_string(&j, "native_protocol", d->arch_hooks->native_protocol);
    json_number(&j, "total_pages", d->total_pages);
    json_number(&j, "target_pages", d->target_pages);
    json_number(&j, "p2m_size", d->p2m_size);
    json_number(&j, "max_vcpus", d->max_vcpus);
    layout(&j, d, hvm);
    special_pages(&j, d, hvm);
    segments(&j, d);
    modules(&j, d);
    parameters(&j, p);
    json_hex(&j, "f_active", d->f_active[0]);
    fclose(j.f);
}

/* ---- the structures that the guest reads, decoded out of its memory */

static void pv_start_info(struct json *j)
{
    uint8_t *page = fx_map_pages(fx_page_of_mfn(recorded.start_info_pfn + fx.mfn_base), 1, PROT_READ);
    uint64_t used = 4096;
    while (used && !page[used - 1])
        used--;

#define START_INFO(s)                                            \
    do {                                                         \
        char cmd_line[sizeof((s)->cmd_line) + 1] = "";           \
        memcpy(cmd_line, (s)->cmd_line, sizeof((s)->cmd_line));  \
        json_string(j, "magic", (s)->magic);                     \
        json_hex(j, "nr_pages", (s)->nr_pages);                  \
        json_hex(j, "shared_info", (s)->shared_info);            \
        json_hex(j, "flags", (s)->flags);                        \
        json_hex(j, "store_mfn", (s)->store_mfn);                \
        json_hex(j, "store_evtchn", (s)->store_evtchn);          \
        json_hex(j, "console_mfn", (s)->console.domU.mfn);       \
        json_hex(j, "console_evtchn", (s)->console.domU.evtchn); \
        json_hex(j, "pt_base", (s)->pt_base);                    \
        json_hex(j, "nr_pt_frames", (s)->nr_pt_frames);          \
        json_hex(j, "mfn_list", (s)->mfn_list);                  \
        json_hex(j, "mod_start", (s)->mod_start);                \
        json_hex(j, "mod_len", (s)->mod_len);                    \
        json_string(j, "cmd_line", cmd_line);                    \
        json_hex(j, "first_p2m_pfn", (s)->first_p2m_pfn);        \
        json_hex(j, "nr_p2m_frames", (s)->nr_p2m_frames);        \
        json_number(j, "sizeof", sizeof(*(s)));                  \
    } while (0)
    if (recorded.is32)
        START_INFO((const start_info_x86_32_t *)page);
    else
        START_INFO((const start_info_x86_64_t *)page);
#undef START_INFO
    json_number(j, "last_nonzero_byte", used);
    munmap(page, FX_PAGE);
}

#define WINDOW_PAGES 16
static uint64_t window_base;
static const uint8_t *window;

static const void *in_window(uint64_t paddr)
{
    bool inside = paddr >= window_base && paddr < window_base + (WINDOW_PAGES - 1) * FX_PAGE;
    return inside ? window + (paddr - window_base) : NULL;
}

static void hvm_start_info(struct json *j)
{
    window_base = recorded.start_info_pfn * FX_PAGE;
    window = fx_map_pages(recorded.start_info_pfn, WINDOW_PAGES, PROT_READ); /* holes read as zero */
    const struct hvm_start_info *s = (const void *)window;
    const struct hvm_modlist_entry *module = in_window(s->modlist_paddr);
    const struct hvm_memmap_table_entry *range = in_window(s->memmap_paddr);

    json_hex(j, "paddr", window_base);
    json_hex(j, "magic", s->magic);
    json_hex(j, "version", s->version);
    json_hex(j, "flags", s->flags);
    json_hex(j, "nr_modules", s->nr_modules);
    json_hex(j, "modlist_paddr", s->modlist_paddr);
    json_hex(j, "cmdline_paddr", s->cmdline_paddr);
    json_hex(j, "rsdp_paddr", s->rsdp_paddr);
    json_hex(j, "memmap_paddr", s->memmap_paddr);
    json_hex(j, "memmap_entries", s->memmap_entries);
    json_hex(j, "reserved", s->reserved);
    json_string(j, "cmdline", in_window(s->cmdline_paddr));
    json_array(j, "modlist");
    for (unsigned i = 0; module && i < s->nr_modules; i++, module++) {
        json_object(j, NULL);
        json_hex(j, "paddr", module->paddr);
        json_number(j, "size", module->size);
        json_hex(j, "cmdline_paddr", module->cmdline_paddr);
        json_string(j, "cmdline", in_window(module->cmdline_paddr));
        json_end(j);
    }
    json_end(j);
    json_array(j, "memmap");
    for (unsigned i = 0; range && i < s->memmap_entries && i < 128; i++, range++) {
        json_object(j, NULL);
        json_hex(j, "addr", range->addr);
        json_hex(j, "size", range->size);
        json_number(j, "type", range->type);
        json_end(j);
    }
    json_end(j);
    munmap((void *)window, WINDOW_PAGES * FX_PAGE);
}

static void hvm_info_table(struct json *j)
{
    if (!fx_is_populated(HVM_INFO_PFN)) {
        json_null(j, "hvm_info_table");
        return;
    }
    uint8_t *page = fx_map_pages(HVM_INFO_PFN, 1, PROT_READ);
    const struct hvm_info_table *t = (const void *)(page + HVM_INFO_OFFSET);
    if (memcmp(t->signature, "HVM INFO", 8)) {
        json_null(j, "hvm_info_table");
    } else {
        json_object(j, "hvm_info_table");
        json_hex(j, "paddr", HVM_INFO_PADDR);
        json_number(j, "length", t->length);
        json_number(j, "checksum", t->checksum);
        json_number(j, "apic_mode", t->apic_mode);
        json_number(j, "nr_vcpus", t->nr_vcpus);
        json_hex(j, "low_mem_pgend", t->low_mem_pgend);
        json_hex(j, "high_mem_pgend", t->high_mem_pgend);
        json_hex(j, "reserved_mem_pgstart", t->reserved_mem_pgstart);
        json_bytes(j, "vcpu_online", t->vcpu_online, sizeof(t->vcpu_online));
        json_end(j);
    }
    munmap(page, FX_PAGE);
}

void fx_json_dom(struct json *j)
{
    if (recorded.valid)
        json_raw(j, recorded.text);
}

void fx_json_start_info(struct json *j)
{
    if (!recorded.valid)
        return;
    json_object(j, "start_info");
    if (recorded.hvm)
        hvm_start_info(j);
    else
        pv_start_info(j);
    json_end(j);
    if (recorded.hvm)
        hvm_info_table(j);
}
