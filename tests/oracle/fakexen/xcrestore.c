/*
 * xcrestore: restore a save file with the real libxenguest, called as libxl 4.17 calls it, over the fake
 * hypervisor. What is known of the restored domain is written as by xcbuild; there is no struct xc_dom_image, and
 * nothing of what one says. Prints where libxc's stream ended.
 */
#include "fakexen.h"
#include <getopt.h>

/* What comes before libxc's stream: xl's header with its optional data, libxl's header, its LIBXC_CONTEXT. */
#define XL_HEADER        48
#define XL_OPTIONAL_SIZE 44
#define LIBXL_HEADER     16
#define LIBXL_RECORD     8

#define MAXMEM_SLACK_KIB 1024 /* libxl's own */

static struct {
    const char *type, *out, *file;
    unsigned vcpus;
    unsigned long memory;
} opt = { .vcpus = 1 };

static xc_interface *xch;

static void usage(void)
{
    fputs("usage: xcrestore --type pv|pvh --memory MiB [--vcpus N] [--mfn-base N] --out DIR FILE\n", stderr);
    exit(2);
}

static void die(const char *what)
{
    fprintf(stderr, "xcrestore: %s failed (errno %d: %s)\n", what, errno, strerror(errno));
    exit(1);
}

#define CHECK(call)      \
    do {                 \
        errno = 0;       \
        if ((call) != 0) \
            die(#call);  \
    } while (0)

static void parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "type", 1, 0, 't' },
        { "memory", 1, 0, 'm' },
        { "vcpus", 1, 0, 'v' },
        { "mfn-base", 1, 0, 'B' },
        { "out", 1, 0, 'o' },
        { 0 },
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (letter) {
        case 't': opt.type = optarg; break;
        case 'm': opt.memory = strtoul(optarg, NULL, 0); break;
        case 'v': opt.vcpus = strtoul(optarg, NULL, 0); break;
        case 'B': fx.mfn_base = strtoull(optarg, NULL, 0); break;
        case 'o': opt.out = optarg; break;
        default: usage();
        }
    if (!opt.type || !opt.memory || !opt.vcpus || !opt.out || optind != argc - 1)
        usage();
    opt.file = argv[optind];
}

/* libxl__domain_make, libxl__build_pre */
static void make_domain(uint32_t *domid, bool hvm)
{
    struct xen_domctl_createdomain create = {
        .max_vcpus = opt.vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = XEN_DOMCTL_GRANT_version(2),
    };
    if (hvm) {
        create.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        create.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    }
    CHECK(xc_domain_create(xch, domid, &create));
    CHECK(xc_domain_max_vcpus(xch, *domid, opt.vcpus));
    CHECK(xc_domain_setmaxmem(xch, *domid, opt.memory * 1024 + MAXMEM_SLACK_KIB));
}

/* Where libxc's stream begins; the file is left there. */
static int open_stream(void)
{
    uint32_t optional;
    int fd = open(opt.file, O_RDONLY);

    if (fd < 0 || pread(fd, &optional, sizeof(optional), XL_OPTIONAL_SIZE) != sizeof(optional))
        die(opt.file);
    if (lseek(fd, XL_HEADER + optional + LIBXL_HEADER + LIBXL_RECORD, SEEK_SET) < 0)
        die(opt.file);
    return fd;
}

/* libxl makes a CPU policy where the file has none. */
static int static_data_done(unsigned missing, void *data)
{
    *(unsigned *)data = missing;
    return 0;
}

int main(int argc, char **argv)
{
    struct fx_times times = { 0 };
    unsigned long store_mfn = 0, console_mfn = 0;
    unsigned missing = 0;
    uint32_t domid;
    char path[4096];

    fx_init();
    parse_options(argc, argv);
    mkdir(opt.out, 0777);
    snprintf(path, sizeof(path), "%s/log.txt", opt.out);
    FILE *log = fopen(path, "w");
    if (!log)
        die(path);
    xentoollog_logger *logger =
        (xentoollog_logger *)xtl_createlogger_stdiostream(log, XTL_DEBUG, XTL_STDIOSTREAM_HIDE_PROGRESS);
    xch = xc_interface_open(logger, logger, 0);
    if (!xch)
        die("xc_interface_open");

    domid = fx.domid;
    make_domain(&domid, strcmp(opt.type, "pv"));
    int store_port = xc_evtchn_alloc_unbound(xch, domid, 0);
    int console_port = xc_evtchn_alloc_unbound(xch, domid, 0);
    struct restore_callbacks callbacks = { .static_data_done = static_data_done, .data = &missing };
    int fd = open_stream();
    CHECK(xc_domain_restore(xch, fd, domid, store_port, &store_mfn, 0, console_port, &console_mfn, 0,
                            XC_STREAM_PLAIN, &callbacks, -1));
    printf("xcrestore: missing policies %#x, xenstore %#lx, console %#lx, stream ends at %lld\n", missing,
           store_mfn, console_mfn, (long long)lseek(fd, 0, SEEK_CUR));
    if (fx_write_all(opt.out, &times))
        die("writing the output");
    xc_interface_close(xch);
    fclose(log);
    return 0;
}
