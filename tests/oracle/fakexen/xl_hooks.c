/*
 * For the real xl: the moment to record. With FAKEXEN_DUMP=DIR the domain is recorded when libxl has built
 * it, and written to DIR when libxl introduces it to xenstored; there the process ends, before devices and
 * qemu.
 */
#include "fakexen.h"
#include "xl.h"
#include <dlfcn.h>
#include <xenstore.h>

static double started;
static struct fx_times times;
static struct {
    uint64_t address;
    uint8_t *bytes;
    size_t size;
} acpi[MAX_ACPI_MODULES];

struct xc_dom_image *xc_dom_allocate(xc_interface *xch, const char *cmdline, const char *features)
{
    __typeof__(&xc_dom_allocate) real = (__typeof__(real))dlsym(RTLD_NEXT, "xc_dom_allocate");
    started = fx_now();
    return real(xch, cmdline, features);
}

/* The last call of a build: the image is still there, its ACPI tables too. */
int xc_dom_gnttab_init(struct xc_dom_image *dom)
{
    __typeof__(&xc_dom_gnttab_init) real = (__typeof__(real))dlsym(RTLD_NEXT, "xc_dom_gnttab_init");
    int rc = real(dom);

    times.lib_total = fx_now() - started;
    if (!getenv("FAKEXEN_DUMP"))
        return rc;
    fx_record_dom(dom);
    for (int i = 0; i < MAX_ACPI_MODULES; i++) {
        const struct xc_hvm_firmware_module *m = &dom->acpi_modules[i];
        if (!m->length)
            continue;
        acpi[i].address = m->guest_addr_out;
        acpi[i].size = m->length;
        acpi[i].bytes = malloc(m->length);
        memcpy(acpi[i].bytes, m->data, m->length);
    }
    return rc;
}

static void write_acpi(const char *dir)
{
    char path[4096];

    for (int i = 0; i < MAX_ACPI_MODULES; i++) {
        if (!acpi[i].size)
            continue;
        snprintf(path, sizeof(path), "%s/acpi%d@0x%" PRIx64 ".bin", dir, i, acpi[i].address);
        FILE *f = fopen(path, "w");
        if (f) {
            fwrite(acpi[i].bytes, 1, acpi[i].size, f);
            fclose(f);
        }
    }
}

bool xs_introduce_domain(struct xs_handle *h, unsigned domid, unsigned long mfn, unsigned port)
{
    const char *dir = getenv("FAKEXEN_DUMP");
    if (!dir)
        return true;
    mkdir(dir, 0777);
    int rc = fx_write_all(dir, &times);
    fx_write_store(dir);
    write_acpi(dir);
    fprintf(stderr, "fakexen: domain %u built (libxenguest %.3fs), written to %s\n", domid, times.lib_total,
            dir);
    fflush(NULL);
    _exit(rc ? 1 : 0);
}
