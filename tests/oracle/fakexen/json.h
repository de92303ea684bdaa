/* A small JSON writer: commas and line breaks are its business. A key is NULL inside an array. */
#ifndef FAKEXEN_JSON_H
#define FAKEXEN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *f;
    unsigned depth;
    bool filled[16]; /* something stands at this depth already */
    char bracket[16];
};

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j);
void json_hex(struct json *j, const char *key, uint64_t value); /* "0x1f" */
void json_number(struct json *j, const char *key, uint64_t value);
void json_seconds(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_string(struct json *j, const char *key, const char *text); /* NULL: null */
void json_bytes(struct json *j, const char *key, const void *bytes, size_t count);
void json_raw(struct json *j, const char *text); /* elements written before, with their keys */
#endif
