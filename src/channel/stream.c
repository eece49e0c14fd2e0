/* Reading a stream by counts of bytes and by lines. A call may read more bytes from the ring
** than it returns. These stay in the connection (`ahead`) for the next call. */
#include <stdlib.h>
#include <string.h>

#include "stream.h"

/* How many bytes one look for a newline reads, how many one look for all of the rest does, and the largest
** buffer that an idle connection keeps. */
enum { LINE_PART = 1024, LARGE_PART = 65536, KEPT = 1 << 20 };

static size_t unread(const fm_ahead *a)
{
  return a->end - a->start;
}

/* Makes room for `more` bytes behind the unread ones. */
static bool make_room(fm_ahead *a, size_t more)
{
  if (a->start == a->end) {
    a->start = a->end = 0;
    if (a->size > KEPT) {
      free(a->bytes);
      a->bytes = NULL;
      a->size = 0;
    }
  }
  if (a->size - a->end >= more) return true;
  const size_t length = a->end - a->start;
  if (a->start > 0) memmove(a->bytes, a->bytes + a->start, length);
  a->start = 0;
  a->end = length;
  if (a->size - length >= more) return true;
  if (more > SIZE_MAX / 2 - length) return false;
  const size_t size = length + more > 2 * a->size ? length + more : 2 * a->size;
  unsigned char *grown = realloc(a->bytes, size);
  if (!grown) return false;
  a->bytes = grown;
  a->size = size;
  return true;
}

static double deadline_of(double timeout)
{
  return timeout < FM_FOREVER ? fm_now() + timeout : FM_FOREVER;
}

/* Waits until the ring has bytes, and reads up to `most` of them behind the unread ones. */
static int read_more(fm_conn *c, size_t most, double deadline, fm_error *e)
{
  fm_ahead *a = fm_conn_ahead(c);
  const double left = deadline < FM_FOREVER ? deadline - fm_now() : FM_FOREVER;
  if (!make_room(a, most)) return fm_fail(e, FM_NO_MEMORY, NULL);
  const int code = fm_conn_read_ring(c, left > 0 ? left : 0, a->bytes + a->end, &most, e);
  if (code == FM_OK) a->end += most;
  return code;
}

/* Returns the next `count` unread bytes, or all if there are fewer. They stay where they are until the next
** call. */
static int return_bytes(fm_conn *c, uint64_t count, const void **data, size_t *length)
{
  fm_ahead *a = fm_conn_ahead(c);
  *data = unread(a) > 0 ? a->bytes + a->start : (const void *)"";
  *length = count < unread(a) ? (size_t)count : unread(a);
  a->start += *length;
  return fm_conn_settled(c, FM_OK);
}

int fm_conn_read(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e)
{
  fm_ahead *a = fm_conn_ahead(c);
  const void *data;
  const int code = fm_conn_check_stream(c, timeout, e);
  if (code != FM_OK) return code;
  if (unread(a) == 0) return fm_conn_settled(c, fm_conn_read_ring(c, timeout, out, length, e));
  return_bytes(c, *length, &data, length);
  if (*length > 0) memcpy(out, data, *length);
  return FM_OK;
}

int fm_conn_read_count(fm_conn *c, double timeout, uint64_t count, const void **data, size_t *length,
                       fm_error *e)
{
  fm_ahead *a = fm_conn_ahead(c);
  const double deadline = deadline_of(timeout);
  const uint64_t wanted = count > 0 ? count : 1; /* a count of 0 waits until a byte can be read */
  int code = fm_conn_check_stream(c, timeout, e);
  while (code == FM_OK && unread(a) < wanted) {
    const uint64_t missing = wanted - unread(a);
    code = read_more(c, missing < LARGE_PART ? (size_t)missing : LARGE_PART, deadline, e);
  }
  if (code != FM_OK && !(code == FM_CLOSED && unread(a) > 0)) return fm_conn_settled(c, code);
  return return_bytes(c, count, data, length);
}

int fm_conn_read_line(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e)
{
  fm_ahead *a = fm_conn_ahead(c);
  const double deadline = deadline_of(timeout);
  size_t searched = 0;
  int code = fm_conn_check_stream(c, timeout, e);
  while (code == FM_OK) {
    if (unread(a) > searched) {
      const unsigned char *from = a->bytes + a->start;
      const unsigned char *newline = memchr(from + searched, '\n', unread(a) - searched);
      if (newline) return return_bytes(c, (size_t)(newline - from) + 1, data, length);
    }
    searched = unread(a);
    code = read_more(c, LINE_PART, deadline, e);
  }
  if (code != FM_CLOSED || unread(a) == 0) return fm_conn_settled(c, code);
  return return_bytes(c, UINT64_MAX, data, length);
}

int fm_conn_read_all(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e)
{
  const double deadline = deadline_of(timeout);
  int code = fm_conn_check_stream(c, timeout, e);
  while (code == FM_OK) code = read_more(c, LARGE_PART, deadline, e);
  return code == FM_CLOSED ? return_bytes(c, UINT64_MAX, data, length) : fm_conn_settled(c, code);
}

size_t fm_conn_unread(fm_conn *c)
{
  return unread(fm_conn_ahead(c));
}
