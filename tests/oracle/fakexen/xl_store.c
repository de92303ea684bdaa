/* For the real xl: libxenstore's entry points over a xenstore in memory. */
#include "fakexen.h"
#include "xl.h"
#include <sys/eventfd.h>
#include <xenstore.h>

struct node {
    struct node *next;
    char *path;
    char *val;
    unsigned len;
};
static struct node *nodes;

struct watch {
    struct watch *next;
    char *path, *token;
};
static struct watch *watches;

struct event {
    struct event *next;
    char *path, *token;
};
static struct event *events, **evtail = &events;
static int evfd = -1;

struct xs_handle {
    int x;
};

static struct node *find(const char *p)
{
    for (struct node *n = nodes; n; n = n->next)
        if (!strcmp(n->path, p))
            return n;
    return NULL;
}

static void push(const char *path, const char *token)
{
    struct event *e = calloc(1, sizeof(*e));
    e->path = strdup(path);
    e->token = strdup(token);
    *evtail = e;
    evtail = &e->next;
    uint64_t one = 1;
    if (write(evfd, &one, 8) != 8)
        abort();
}

static bool under(const char *parent, const char *child)
{
    size_t l = strlen(parent);
    return !strncmp(parent, child, l) && (!child[l] || child[l] == '/' || (l && parent[l - 1] == '/'));
}

static void fire(const char *path)
{
    for (struct watch *w = watches; w; w = w->next)
        if (under(w->path, path))
            push(path, w->token);
}

static char *absp(const char *p)
{
    char *r;
    if (*p == '/' || *p == '@')
        return strdup(p);
    if (asprintf(&r, "/local/domain/0/%s", p) < 0)
        abort();
    return r;
}

static struct node *put(const char *path, const void *v, unsigned len, bool overwrite)
{
    struct node *n = find(path);
    if (!n) {
        char *s = strdup(path), *q = strrchr(s, '/');
        if (q && q > s) {
            *q = 0;
            put(s, "", 0, false);
        }
        free(s);
        n = calloc(1, sizeof(*n));
        n->path = strdup(path);
        struct node **pp = &nodes;
        while (*pp)
            pp = &(*pp)->next;
        *pp = n;
        overwrite = true;
    }
    if (overwrite) {
        free(n->val);
        n->val = malloc(len + 1);
        memcpy(n->val, v, len);
        n->val[len] = 0;
        n->len = len;
    }
    return n;
}

struct xs_handle *xs_open(unsigned long f)
{
    if (evfd < 0)
        evfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    put("/tool/xenstored", "", 0, false);
    put("/local/pool/0/name", "Pool-0", 6, false);
    put("/local/domain/0/name", "Domain-0", 8, false);
    put("/local/domain/0/domid", "0", 1, false);
    return calloc(1, sizeof(struct xs_handle));
}

void xs_close(struct xs_handle *h)
{
    free(h);
}

struct xs_handle *xs_daemon_open(void)
{
    return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
    return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
    return xs_open(0);
}

void xs_daemon_close(struct xs_handle *h)
{
    xs_close(h);
}

void xs_daemon_destroy_postfork(struct xs_handle *h)
{
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *num)
{
    char *p = absp(path);
    size_t l = strlen(p), sz = 0;
    unsigned c = 0;
    char *buf = NULL;
    if (!find(p)) {
        free(p);
        errno = ENOENT;
        *num = 0;
        return NULL;
    }
    for (struct node *n = nodes; n; n = n->next)
        if (!strncmp(n->path, p, l) && n->path[l] == '/' && !strchr(n->path + l + 1, '/')) {
            sz += strlen(n->path + l + 1) + 1;
            c++;
        }
    char **r = malloc(c * sizeof(char *) + sz + 1);
    buf = (char *)(r + c);
    c = 0;
    for (struct node *n = nodes; n; n = n->next)
        if (!strncmp(n->path, p, l) && n->path[l] == '/' && !strchr(n->path + l + 1, '/')) {
            r[c++] = buf;
            buf = stpcpy(buf, n->path + l + 1) + 1;
        }
    free(p);
    *num = c;
    return r;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
    char *p = absp(path);
    struct node *n = find(p);
    free(p);
    if (!n) {
        errno = ENOENT;
        return NULL;
    }
    char *r = malloc(n->len + 1);
    memcpy(r, n->val, n->len + 1);
    if (len)
        *len = n->len;
    return r;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *d, unsigned len)
{
    char *p = absp(path);
    put(p, d, len, true);
    fire(p);
    free(p);
    return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    char *p = absp(path);
    put(p, "", 0, false);
    free(p);
    return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    char *p = absp(path);
    bool any = false;
    for (struct node **pp = &nodes; *pp;) {
        struct node *n = *pp;
        if (under(p, n->path)) {
            *pp = n->next;
            free(n->path);
            free(n->val);
            free(n);
            any = true;
        } else
            pp = &n->next;
    }
    if (any)
        fire(p);
    else
        errno = ENOENT;
    free(p);
    return any;
}

bool xs_restrict(struct xs_handle *h, unsigned d)
{
    return true;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                                          unsigned *num)
{
    struct xs_permissions *p = calloc(1, sizeof(*p));
    *num = 1;
    return p;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *p, struct xs_permissions *x,
                        unsigned n)
{
    return true;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    struct watch *w = calloc(1, sizeof(*w));
    w->path = strdup(path);
    w->token = strdup(token);
    w->next = watches;
    watches = w;
    push(path, token);
    return true;
}

int xs_fileno(struct xs_handle *h)
{
    return evfd;
}

char **xs_check_watch(struct xs_handle *h)
{
    struct event *e = events;
    if (!e) {
        errno = EAGAIN;
        return NULL;
    }
    events = e->next;
    if (!events)
        evtail = &events;
    uint64_t one;
    if (read(evfd, &one, 8) != 8)
        abort();
    size_t a = strlen(e->path) + 1, b = strlen(e->token) + 1;
    char **r = malloc(2 * sizeof(char *) + a + b);
    r[0] = (char *)(r + 2);
    r[1] = r[0] + a;
    memcpy(r[0], e->path, a);
    memcpy(r[1], e->token, b);
    free(e->path);
    free(e->token);
    free(e);
    return r;
}

char **xs_read_watch(struct xs_handle *h, unsigned *n)
{
    *n = 2;
    return xs_check_watch(h);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    for (struct watch **pp = &watches; *pp; pp = &(*pp)->next)
        if (!strcmp((*pp)->path, path) && !strcmp((*pp)->token, token)) {
            struct watch *w = *pp;
            *pp = w->next;
            free(w->path);
            free(w->token);
            free(w);
            return true;
        }
    errno = ENOENT;
    return false;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool a)
{
    return true;
}

bool xs_set_target(struct xs_handle *h, unsigned d, unsigned t)
{
    return true;
}

bool xs_resume_domain(struct xs_handle *h, unsigned d)
{
    return true;
}

bool xs_release_domain(struct xs_handle *h, unsigned d)
{
    return true;
}

char *xs_get_domain_path(struct xs_handle *h, unsigned d)
{
    char *r;
    if (asprintf(&r, "/local/domain/%u", d) < 0)
        return NULL;
    return r;
}

bool xs_path_is_subpath(const char *p, const char *c)
{
    return under(p, c);
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned d)
{
    return true;
}

char *xs_control_command(struct xs_handle *h, const char *c, void *d, unsigned l)
{
    return strdup("OK");
}

int xs_suspend_evtchn_port(int d)
{
    return -1;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct node *const *)a)->path, (*(struct node *const *)b)->path);
}

void fx_write_store(const char *dir)
{
    char path[4096];
    unsigned count = 0;
    struct node **sorted;

    snprintf(path, sizeof(path), "%s/xenstore.txt", dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    for (struct node *n = nodes; n; n = n->next)
        count++;
    sorted = malloc(count * sizeof(*sorted));
    count = 0;
    for (struct node *n = nodes; n; n = n->next)
        sorted[count++] = n;
    qsort(sorted, count, sizeof(*sorted), by_path);
    for (unsigned i = 0; i < count; i++)
        fprintf(f, "%s = \"%s\"\n", sorted[i]->path, sorted[i]->val);
    free(sorted);
    fclose(f);
}
