/*
 * The host's facts: its memory map and its reserved device memory. FAKEXEN_HOST names a text file, one fact a line:
 *
 *   e820 START SIZE TYPE         an entry of the memory map; TYPE is a number
 *   rdm START SIZE [BDF]...      reserved device memory, and the devices (SSSS:BB:DD.F) that use it
 *   # ...                        nothing
 *
 * With such a file the host has an IOMMU too. Without it, there is a plain map and no reserved device memory.
 */
#include "fakexen.h"

#define MAX_RDM     160
#define MAX_DEVICES 16

static struct e820entry map[E820MAX] = {
    { 0, 0x9fc00, E820_RAM },
    { 0x9fc00, 0x400, E820_RESERVED },
    { 0xf0000, 0x10000, E820_RESERVED },
    { 0x100000, 0xbfef0000, E820_RAM },
    { 0xbfff0000, 0x10000, E820_ACPI },
    { 0xfeffc000, 0x4000, E820_RESERVED },
    { 0x100000000, FX_HOST_BYTES - 0xc0000000, E820_RAM },
};
static unsigned nr_map = 7;
static struct {
    uint64_t pfn, pages;
    unsigned nr_devices;
    struct physdev_pci_device devices[MAX_DEVICES];
} rdms[MAX_RDM];
static unsigned nr_rdms;

static void bad_line(const char *path, const char *line)
{
    fprintf(stderr, "fakexen: %s: cannot be read: %s\n", path, line);
    _exit(126);
}

static bool read_e820(const char *line)
{
    unsigned long long start, size;
    unsigned type;
    if (nr_map == E820MAX || sscanf(line, "e820 %llx %llx %u", &start, &size, &type) != 3)
        return false;
    map[nr_map++] = (struct e820entry){ start, size, type };
    return true;
}

static bool read_rdm(const char *line)
{
    unsigned long long start, size;
    unsigned seg, bus, dev, func;
    int at, step;
    if (nr_rdms == MAX_RDM || sscanf(line, "rdm %llx %llx%n", &start, &size, &at) != 2)
        return false;
    rdms[nr_rdms].pfn = start / FX_PAGE;
    rdms[nr_rdms].pages = size / FX_PAGE;
    for (unsigned n = 0; sscanf(line += at, " %x:%x:%x.%x%n", &seg, &bus, &dev, &func, &step) == 4; at = step) {
        if (n == MAX_DEVICES)
            return false;
        rdms[nr_rdms].devices[n++] = (struct physdev_pci_device){ seg, bus, dev << 3 | func };
        rdms[nr_rdms].nr_devices = n;
    }
    nr_rdms++;
    return line[strspn(line, " \n")] == 0;
}

void fx_init_host(void)
{
    const char *path = getenv("FAKEXEN_HOST");
    char line[1024];
    if (!path || !*path)
        return;
    FILE *f = fopen(path, "r");
    if (!f)
        bad_line(path, strerror(errno));
    fx.iommu = true;
    nr_map = 0;
    while (fgets(line, sizeof(line), f))
        if (*line != '#' && *line != '\n' && !read_e820(line) && !read_rdm(line))
            bad_line(path, line);
    fclose(f);
}

long fx_machine_memory_map(struct xen_memory_map *m)
{
    unsigned count = m->nr_entries < nr_map ? m->nr_entries : nr_map;
    memcpy(m->buffer.p, map, count * sizeof(map[0]));
    m->nr_entries = count;
    return 0;
}

static bool uses(unsigned rdm, const struct physdev_pci_device *device)
{
    for (unsigned i = 0; i < rdms[rdm].nr_devices; i++)
        if (rdms[rdm].devices[i].seg == device->seg && rdms[rdm].devices[i].bus == device->bus &&
            rdms[rdm].devices[i].devfn == device->devfn)
            return true;
    return false;
}

long fx_reserved_device_memory_map(struct xen_reserved_device_memory_map *m)
{
    unsigned count = 0;
    for (unsigned i = 0; i < nr_rdms; i++) {
        if (!(m->flags & XENMEM_RDM_ALL) && !uses(i, &m->dev.pci))
            continue;
        if (count++ < m->nr_entries)
            m->buffer.p[count - 1] = (struct xen_reserved_device_memory){ rdms[i].pfn, rdms[i].pages };
    }
    bool room = count <= m->nr_entries;
    m->nr_entries = count;
    return room ? 0 : -ENOBUFS;
}
