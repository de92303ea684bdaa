/* See json.h. */
#include "json.h"
#include <inttypes.h>

/* Two levels are spread over lines; what is deeper stays on one line. */
static void line_break(struct json *j)
{
    if (j->depth <= 2)
        fprintf(j->f, "\n%*s", 2 * (int)j->depth, "");
    else if (j->filled[j->depth])
        fputc(' ', j->f);
}

static void start(struct json *j, const char *key)
{
    if (j->filled[j->depth])
        fputc(',', j->f);
    if (j->depth)
        line_break(j);
    j->filled[j->depth] = true;
    if (key)
        fprintf(j->f, "\"%s\": ", key);
}

static void open_bracket(struct json *j, const char *key, const char *pair)
{
    start(j, key);
    fputc(pair[0], j->f);
    j->depth++;
    j->filled[j->depth] = false;
    j->bracket[j->depth] = pair[1];
}

void json_object(struct json *j, const char *key)
{
    open_bracket(j, key, "{}");
}

void json_array(struct json *j, const char *key)
{
    open_bracket(j, key, "[]");
}

void json_end(struct json *j)
{
    bool filled = j->filled[j->depth];
    char bracket = j->bracket[j->depth--];
    if (filled && j->depth < 2)
        fprintf(j->f, "\n%*s", 2 * (int)j->depth, "");
    fputc(bracket, j->f);
    if (!j->depth)
        fputc('\n', j->f);
}

void json_hex(struct json *j, const char *key, uint64_t value)
{
    start(j, key);
    fprintf(j->f, "\"0x%" PRIx64 "\"", value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
    start(j, key);
    fprintf(j->f, "%" PRIu64, value);
}

void json_seconds(struct json *j, const char *key, double value)
{
    start(j, key);
    fprintf(j->f, "%.6f", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    start(j, key);
    fputs(value ? "true" : "false", j->f);
}

void json_null(struct json *j, const char *key)
{
    start(j, key);
    fputs("null", j->f);
}

void json_string(struct json *j, const char *key, const char *text)
{
    if (!text) {
        json_null(j, key);
        return;
    }
    start(j, key);
    fputc('"', j->f);
    for (; *text; text++) {
        unsigned char c = *text;
        if (c == '"' || c == '\\')
            fprintf(j->f, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            fprintf(j->f, "\\u%04x", c); /* bytes as Latin-1: reversible */
        else
            fputc(c, j->f);
    }
    fputc('"', j->f);
}

void json_bytes(struct json *j, const char *key, const void *bytes, size_t count)
{
    start(j, key);
    fputc('"', j->f);
    for (size_t i = 0; i < count; i++)
        fprintf(j->f, "%02x", ((const uint8_t *)bytes)[i]);
    fputc('"', j->f);
}

void json_raw(struct json *j, const char *text)
{
    start(j, NULL);
    fputs(text, j->f);
}
