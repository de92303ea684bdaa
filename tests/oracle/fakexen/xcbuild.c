/*
 * xcbuild: build a domain with the real libxenguest, called in the order in which libxl 4.17 calls it, over
 * the fake hypervisor. Functions are named after the libxl function whose calls they make.
 */
#include "fakexen.h"
#include <getopt.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* Values of libxl's own constants. */
#define MAXMEM_SLACK_KIB 1024
#define VGA_HOLE_PAGES   0x20
#define LAPIC_BASE       0xfee00000ull
#define ACPI_INFO_BASE   0xfc000000ull

enum type { PV, PVH, HVM, NO_TYPE };

static struct {
    enum type type;
    const char *kernel, *ramdisk, *cmdline, *features, *bios, *smbios, *out;
    const char *modules[XG_MAX_MODULES], *module_cmdlines[XG_MAX_MODULES], *acpi[MAX_ACPI_MODULES];
    unsigned nmodules, nacpi, vcpus, claim;
    long memory, maxmem, videoram, mmio_hole;
    unsigned long flags;
    bool libxl_params, write_image;
} opt = {
    .type = NO_TYPE, .vcpus = 1, .claim = 1, .videoram = -1, .libxl_params = true, .write_image = true
};

static xc_interface *xch;
static uint32_t domid;
static int store_port, console_port;
static uint64_t max_kib, target_kib, video_kib;
static struct e820entry e820[16];

static void usage(void)
{
    fputs("usage: xcbuild --type pv|pvh|hvm --kernel F --memory MiB --out DIR\n"
          "  [--ramdisk F] [--module F [--module-cmdline S]]... [--cmdline S]\n"
          "  [--maxmem MiB] [--vcpus N] [--videoram MiB]   (hvm default 8, else 0)\n"
          "  [--features S]          PV feature string given to xc_dom_allocate\n"
          "  [--bios F]              hvm: system firmware module (SeaBIOS, OVMF)\n"
          "  [--acpi-module F@ADDR]... pvh/hvm: ACPI blobs (ADDR 0 = placed by builder)\n"
          "  [--smbios F]            hvm: SMBIOS module\n"
          "  [--flags N]             PV start_info flags before the build (libxl: 0)\n"
          "  [--superpages 0|1] [--claim 0|1] [--domid N] [--mmio-hole MiB]\n"
          "  [--mfn-base N] [--shared-info-mfn N] [--hypercall-page 0|1]\n"
          "  [--no-libxl-params]     do not set the HVM params libxl sets itself\n"
          "  [--no-image]            write neither memory.img nor domain.json (timing)\n",
          stderr);
    exit(2);
}

static void die(const char *what)
{
    fprintf(stderr, "xcbuild: %s failed (errno %d: %s)\n", what, errno, strerror(errno));
    exit(1);
}

#define CHECK(call)      \
    do {                 \
        errno = 0;       \
        if ((call) != 0) \
            die(#call);  \
    } while (0)

static void add_module(const char *file)
{
    if (opt.nmodules >= XG_MAX_MODULES) {
        fprintf(stderr, "xcbuild: at most %d modules\n", XG_MAX_MODULES);
        exit(2);
    }
    opt.modules[opt.nmodules++] = file;
}

static enum type parse_type(const char *name)
{
    static const char *const names[] = { "pv", "pvh", "hvm" };
    for (unsigned i = 0; i < 3; i++)
        if (!strcmp(name, names[i]))
            return i;
    return NO_TYPE;
}

static void parse_option(int letter)
{
    switch (letter) {
    case 't': opt.type = parse_type(optarg); break;
    case 'k': opt.kernel = optarg; break;
    case 'r': opt.ramdisk = optarg; break;
    case 'M': add_module(optarg); break;
    case 'C':
        if (!opt.nmodules)
            usage();
        opt.module_cmdlines[opt.nmodules - 1] = optarg;
        break;
    case 'c': opt.cmdline = optarg; break;
    case 'm': opt.memory = strtol(optarg, NULL, 0); break;
    case 'x': opt.maxmem = strtol(optarg, NULL, 0); break;
    case 'v': opt.vcpus = strtoul(optarg, NULL, 0); break;
    case 'V': opt.videoram = strtol(optarg, NULL, 0); break;
    case 'f': opt.features = optarg; break;
    case 'b': opt.bios = optarg; break;
    case 'a':
        if (opt.nacpi >= MAX_ACPI_MODULES)
            usage();
        opt.acpi[opt.nacpi++] = optarg;
        break;
    case 's': opt.smbios = optarg; break;
    case 'F': opt.flags = strtoul(optarg, NULL, 0); break;
    case 'S': fx.superpages = strtoul(optarg, NULL, 0); break;
    case 'K': opt.claim = strtoul(optarg, NULL, 0); break;
    case 'd': fx.domid = strtoul(optarg, NULL, 0); break;
    case 'H': opt.mmio_hole = strtol(optarg, NULL, 0); break;
    case 'B': fx.mfn_base = strtoull(optarg, NULL, 0); break;
    case 'I': fx.shared_info_mfn = strtoull(optarg, NULL, 0); break;
    case 'P': fx.fill_hypercall = strtoul(optarg, NULL, 0); break;
    case 'L': opt.libxl_params = false; break;
    case 'N': opt.write_image = false; break;
    case 'o': opt.out = optarg; break;
    default: usage();
    }
}

static void parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "type", 1, 0, 't' },
        { "kernel", 1, 0, 'k' },
        { "ramdisk", 1, 0, 'r' },
        { "module", 1, 0, 'M' },
        { "module-cmdline", 1, 0, 'C' },
        { "cmdline", 1, 0, 'c' },
        { "memory", 1, 0, 'm' },
        { "maxmem", 1, 0, 'x' },
        { "vcpus", 1, 0, 'v' },
        { "videoram", 1, 0, 'V' },
        { "features", 1, 0, 'f' },
        { "bios", 1, 0, 'b' },
        { "acpi-module", 1, 0, 'a' },
        { "smbios", 1, 0, 's' },
        { "flags", 1, 0, 'F' },
        { "superpages", 1, 0, 'S' },
        { "claim", 1, 0, 'K' },
        { "domid", 1, 0, 'd' },
        { "mmio-hole", 1, 0, 'H' },
        { "mfn-base", 1, 0, 'B' },
        { "shared-info-mfn", 1, 0, 'I' },
        { "hypercall-page", 1, 0, 'P' },
        { "no-libxl-params", 0, 0, 'L' },
        { "no-image", 0, 0, 'N' },
        { "out", 1, 0, 'o' },
        { 0 },
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
        parse_option(letter);
    if (opt.type == NO_TYPE || !opt.kernel || opt.memory <= 0 || !opt.out || optind != argc || !opt.vcpus)
        usage();
    if (!opt.maxmem)
        opt.maxmem = opt.memory;
    if (opt.videoram < 0)
        opt.videoram = opt.type == HVM ? 8 : 0;
    if (opt.ramdisk) /* as in libxl it comes behind any other module */
        add_module(opt.ramdisk);
    domid = fx.domid;
    max_kib = opt.maxmem * 1024ull;
    target_kib = opt.memory * 1024ull;
    video_kib = opt.videoram * 1024ull;
}

static FILE *open_log(void)
{
    char path[4096];

    mkdir(opt.out, 0777);
    snprintf(path, sizeof(path), "%s/log.txt", opt.out);
    FILE *log = fopen(path, "w");
    if (!log)
        die(path);
    setvbuf(log, NULL, _IOFBF, 1 << 16);
    return log;
}

static void *read_file(const char *path, uint32_t *length)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st))
        die(path);
    uint8_t *bytes = malloc(st.st_size + 1);
    if (read(fd, bytes, st.st_size) != st.st_size)
        die(path);
    close(fd);
    *length = st.st_size;
    return bytes;
}

static void load_acpi(struct xc_dom_image *dom)
{
    for (unsigned i = 0; i < opt.nacpi; i++) {
        char *name = strdup(opt.acpi[i]), *at = strrchr(name, '@');
        if (at)
            *at = 0;
        dom->acpi_modules[i].data = read_file(name, &dom->acpi_modules[i].length);
        dom->acpi_modules[i].guest_addr_out = at ? strtoull(at + 1, NULL, 0) : 0;
        free(name);
    }
}

/* libxl__domain_make, libxl__build_pre */
static void make_domain(void)
{
    struct xen_domctl_createdomain create = {
        .max_vcpus = opt.vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = XEN_DOMCTL_GRANT_version(2),
    };
    if (opt.type != PV)
        create.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    if (opt.type == HVM)
        create.arch.emulation_flags = XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI;
    if (opt.type == PVH)
        create.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    CHECK(xc_domain_create(xch, &domid, &create));
    CHECK(xc_domain_max_vcpus(xch, domid, opt.vcpus));
    CHECK(xc_domain_setmaxmem(xch, domid, target_kib + MAXMEM_SLACK_KIB));
    store_port = xc_evtchn_alloc_unbound(xch, domid, 0);
    console_port = xc_evtchn_alloc_unbound(xch, domid, 0);
    if (opt.type == PV) {
        CHECK(xc_domain_set_memmap_limit(xch, domid, max_kib));
        return;
    }
    /* the default shadow memory of a HAP guest */
    CHECK(xc_set_paging_mempool_size(xch, domid, 4096ull * (256 * opt.vcpus + max_kib / 1024)));
    if (!opt.libxl_params)
        return;
    if (opt.type == HVM) {
        CHECK(xc_hvm_param_set(xch, domid, HVM_PARAM_HPET_ENABLED, 1));
        CHECK(xc_hvm_param_set(xch, domid, HVM_PARAM_VPT_ALIGN, 1));
    }
    CHECK(xc_hvm_param_set(xch, domid, HVM_PARAM_TIMER_MODE, 1));
    CHECK(xc_hvm_param_set(xch, domid, HVM_PARAM_ALTP2M, 0));
}

/* libxl__build_hvm: where memory ends */
static void size_hvm_memory(struct xc_dom_image *dom)
{
    uint64_t low = (max_kib - video_kib) << 10, high = 0, mmio_start;

    if (!dom->mmio_size && opt.type == HVM)
        dom->mmio_size = HVM_BELOW_4G_MMIO_LENGTH;
    if (!dom->mmio_size) {
        uint64_t first = (uint64_t)(X86_HVM_END_SPECIAL_REGION - X86_HVM_NR_SPECIAL_PAGES) << 12;
        if (LAPIC_BASE < first)
            first = LAPIC_BASE;
        if (ACPI_INFO_BASE < first)
            first = ACPI_INFO_BASE;
        dom->mmio_size = 4 * GIB - first;
    }
    mmio_start = 4 * GIB - dom->mmio_size;
    if (low > mmio_start) {
        high = 4 * GIB + (low - mmio_start);
        low = mmio_start;
    }
    dom->lowmem_end = low;
    dom->highmem_end = high;
    dom->mmio_start = mmio_start;
    dom->vga_hole_size = opt.type == HVM ? VGA_HOLE_PAGES : 0;
    dom->device_model = opt.type == HVM;
}

/* libxl__build_pv, libxl__build_hvm: what goes into the image */
static struct xc_dom_image *describe_image(void)
{
    xc_dom_loginit(xch);
    struct xc_dom_image *dom = xc_dom_allocate(xch, opt.cmdline, opt.type == PV ? opt.features : NULL);
    if (!dom)
        die("xc_dom_allocate");
    dom->container_type = opt.type == PV ? XC_DOM_PV_CONTAINER : XC_DOM_HVM_CONTAINER;
    dom->claim_enabled = opt.claim;
    if (opt.type != PV) {
        uint64_t below = 4 * GIB - opt.mmio_hole * MIB;
        dom->target_pages = (target_kib - video_kib) >> 2;
        if (opt.mmio_hole && below < HVM_BELOW_4G_MMIO_START)
            dom->mmio_size = opt.mmio_hole * MIB;
    }
    CHECK(xc_dom_kernel_file(dom, opt.kernel));
    for (unsigned i = 0; i < opt.nmodules; i++)
        CHECK(xc_dom_module_file(dom, opt.modules[i], opt.module_cmdlines[i]));
    if (opt.type == PV) {
        dom->flags = opt.flags;
    } else {
        if (opt.bios)
            dom->system_firmware_module.data = read_file(opt.bios, &dom->system_firmware_module.length);
        if (opt.smbios)
            dom->smbios_module.data = read_file(opt.smbios, &dom->smbios_module.length);
        size_hvm_memory(dom);
    }
    dom->max_vcpus = opt.vcpus;
    dom->console_evtchn = console_port;
    dom->xenstore_evtchn = store_port;
    dom->console_domid = dom->xenstore_domid = 0;
    if (opt.type == HVM)
        load_acpi(dom);
    return dom;
}

/* libxl__arch_domain_construct_memmap */
static void set_memory_map(struct xc_dom_image *dom)
{
    uint64_t start = dom->device_model ? 0x100000 : 0;
    unsigned n = 0;

    e820[n++] = (struct e820entry){ start, dom->lowmem_end - start, E820_RAM };
    if (opt.type == PVH)
        e820[n++] =
            (struct e820entry){ (uint64_t)(X86_HVM_END_SPECIAL_REGION - X86_HVM_NR_SPECIAL_PAGES) << 12,
                                (uint64_t)X86_HVM_NR_SPECIAL_PAGES << 12, E820_RESERVED };
    for (unsigned i = 0; i < MAX_ACPI_MODULES; i++) {
        uint64_t address = dom->acpi_modules[i].guest_addr_out;
        if (dom->acpi_modules[i].length)
            e820[n++] = (struct e820entry){ address & ~4095ull,
                                            dom->acpi_modules[i].length + (address & 4095), E820_ACPI };
    }
    if (dom->highmem_end)
        e820[n++] = (struct e820entry){ 4 * GIB, dom->highmem_end - 4 * GIB, E820_RAM };
    CHECK(xc_domain_set_memory_map(xch, domid, e820, n));
    dom->e820 = e820;
    dom->e820_entries = n;
}

/* libxl__build_dom */
static void build_domain(struct xc_dom_image *dom, struct fx_times *times)
{
    uint64_t memory_kib = opt.type == PV ? target_kib : max_kib - video_kib;
    double before = fx_now();

    CHECK(xc_dom_boot_xen_init(dom, xch, domid));
    CHECK(xc_dom_parse_image(dom));
    times->parse = fx_now() - before, before = fx_now();

    CHECK(xc_dom_mem_init(dom, memory_kib / 1024));
    CHECK(xc_dom_boot_mem_init(dom));
    times->meminit = fx_now() - before, before = fx_now();

    if (opt.type == PVH) /* libxl makes its own tables here; these are taken from elsewhere */
        load_acpi(dom);
    if (opt.type != PV)
        set_memory_map(dom);
    CHECK(xc_dom_build_image(dom));
    times->build = fx_now() - before, before = fx_now();

    CHECK(xc_dom_boot_image(dom));
    CHECK(xc_dom_gnttab_init(dom));
    times->boot = fx_now() - before;
}

/* hvm_build_set_params */
static void set_hvm_info(void)
{
    uint8_t sum = 0,
            *page = xc_map_foreign_range(xch, domid, XC_PAGE_SIZE, PROT_READ | PROT_WRITE, HVM_INFO_PFN);
    if (!page)
        die("mapping the HVM info table");
    struct hvm_info_table *table = (void *)(page + HVM_INFO_OFFSET);
    table->apic_mode = 1;
    table->nr_vcpus = opt.vcpus;
    memset(table->vcpu_online, 0, sizeof(table->vcpu_online));
    for (unsigned i = 0; i < opt.vcpus; i++)
        table->vcpu_online[i / 8] |= 1 << (i % 8);
    for (unsigned i = 0; i < table->length; i++)
        sum += ((uint8_t *)table)[i];
    table->checksum -= sum;
    munmap(page, XC_PAGE_SIZE);
}

int main(int argc, char **argv)
{
    struct fx_times times = { 0 };
    double started = fx_now(), before;

    fx_init();
    parse_options(argc, argv);
    FILE *log = open_log();
    xentoollog_logger *logger =
        (xentoollog_logger *)xtl_createlogger_stdiostream(log, XTL_DEBUG, XTL_STDIOSTREAM_HIDE_PROGRESS);
    xch = xc_interface_open(logger, logger, 0);
    if (!xch)
        die("xc_interface_open");

    make_domain();
    before = fx_now();
    struct xc_dom_image *dom = describe_image();
    build_domain(dom, &times);
    if (opt.type == HVM)
        set_hvm_info();
    times.lib_total = fx_now() - before;

    fx_record_dom(dom);
    if (opt.write_image && fx_write_all(opt.out, &times))
        die("writing the output");
    xc_dom_release(dom);
    xc_interface_close(xch);
    fclose(log);
    times.total = fx_now() - started;
    printf("xcbuild: %s: libxenguest %.3fs (parse %.3f, meminit %.3f, build %.3f, boot %.3f), total %.3fs\n",
           opt.kernel, times.lib_total, times.parse, times.meminit, times.build, times.boot, times.total);
    return 0;
}
