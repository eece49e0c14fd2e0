/* What stream.c needs of a connection (conn.c). */
#ifndef FILEMAP_STREAM_H
#define FILEMAP_STREAM_H

#include "../base/error.h"

FM_BEGIN_HIDDEN

/* The bytes that a stream has read and not returned yet: those from `start` to `end`. */
typedef struct fm_ahead {
  unsigned char *bytes;
  size_t size, start, end;
} fm_ahead;

/* That of a connection, which frees `bytes` when it is closed. */
fm_ahead *fm_conn_ahead(fm_conn *c);

/* Fails unless `c` is a stream that this process may read: FM_INVALID, FM_DENIED. */
int fm_conn_check_stream(fm_conn *c, double timeout, fm_error *e);

/* Reads as fm_conn_read does, but only bytes that are still in the ring. */
int fm_conn_read_ring(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e);

/* Settles the connection's handle for event loops (object/pollable.h), if it has one. Returns `code`. */
int fm_conn_settled(fm_conn *c, int code);

FM_END_HIDDEN

#endif
