/*
 * For the real xl: file names. It looks for firmware and keeps its state at fixed places; here the first come
 * from packages that are unpacked below FAKEXEN_ROOT, not installed, and the second goes below FAKEXEN_STATE.
 */
#include "fakexen.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>

static const struct {
    const char *prefix, *variable;
} places[] = {
    { "/usr/lib/xen-4.17/", "FAKEXEN_ROOT" }, { "/usr/share/seabios/", "FAKEXEN_ROOT" },
    { "/usr/share/ovmf/", "FAKEXEN_ROOT" },   { "/usr/lib/ipxe/", "FAKEXEN_ROOT" },
    { "/etc/xen/", "FAKEXEN_ROOT" },          { "/var/lib/xen/", "FAKEXEN_STATE" },
    { "/var/lock/xl", "FAKEXEN_STATE" },      { "/run/lock/xl", "FAKEXEN_STATE" },
    { "/var/log/xen/", "FAKEXEN_STATE" },     { "/var/run/xen/", "FAKEXEN_STATE" },
    { "/run/xen/", "FAKEXEN_STATE" },
};

static const char *redirect(const char *path, char *buffer)
{
    for (unsigned i = 0; path && i < sizeof(places) / sizeof(places[0]); i++) {
        const char *root = getenv(places[i].variable);
        if (root && !strncmp(path, places[i].prefix, strlen(places[i].prefix))) {
            snprintf(buffer, PATH_MAX, "%s%s", root, path);
            return buffer;
        }
    }
    return path;
}

#define REAL(name)                 \
    char buffer[PATH_MAX];         \
    static __typeof__(&name) real; \
    if (!real)                     \
    real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...)            \
    {                                                     \
        mode_t mode = 0;                                  \
        REAL(name);                                       \
        if (flags & (O_CREAT | O_TMPFILE)) {              \
            va_list arguments;                            \
            va_start(arguments, flags);                   \
            mode = va_arg(arguments, mode_t);             \
            va_end(arguments);                            \
        }                                                 \
        return real(redirect(path, buffer), flags, mode); \
    }
OPEN(open)
OPEN(open64)

FILE *fopen(const char *path, const char *mode)
{
    REAL(fopen);
    return real(redirect(path, buffer), mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    REAL(fopen64);
    return real(redirect(path, buffer), mode);
}

int stat(const char *path, struct stat *s)
{
    REAL(stat);
    return real(redirect(path, buffer), s);
}

int lstat(const char *path, struct stat *s)
{
    REAL(lstat);
    return real(redirect(path, buffer), s);
}

int access(const char *path, int mode)
{
    REAL(access);
    return real(redirect(path, buffer), mode);
}

int unlink(const char *path)
{
    REAL(unlink);
    return real(redirect(path, buffer));
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    return real(redirect(path, buffer), mode);
}

int rename(const char *from, const char *to)
{
    char second[PATH_MAX];
    REAL(rename);
    return real(redirect(from, buffer), redirect(to, second));
}
