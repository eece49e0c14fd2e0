/* A program in C that makes calls with views:
**   views closed      each call of filemap.h with a closed view, and with one that was never opened
**   views lost PATH   reads a view of a file that was truncated meanwhile, and checks for lost pages (POSIX)
** It prints what went wrong, and then done. */
#include <stdio.h>
#include <string.h>
#ifndef _WIN32
#include <unistd.h>
#endif

#include "../../include/filemap.h"

static void check(bool holds, const char *call, const char *which)
{
  if (!holds) printf("%s of a view that is %s\n", call, which);
}

static bool is_closed(int code, const fm_error *e)
{
  return code == FM_CLOSED && e->code == FM_CLOSED && strcmp(e->detail, "the view is closed") == 0;
}

static void call_all(fm_view *v, fm_view *open, const char *which)
{
  fm_view out = {0};
  fm_error e;
  char before[4], after[4];
  check(is_closed(fm_view_sub(&out, v, 0, 1, FM_READ, &e), &e), "fm_view_sub", which);
  check(is_closed(fm_view_sub(&out, v, 0, 1, FM_READ | FM_COPY, &e), &e), "fm_view_sub, copy", which);
  check(!out.mapping, "fm_view_sub's output", which);
  check(is_closed(fm_view_flush(v, 0, 0, false, &e), &e), "fm_view_flush", which);
  check(is_closed(fm_view_check(v, true, 0, 1, &e), &e), "fm_view_check", which);
  check(is_closed(fm_view_advise(v, FM_NORMAL, 0, 0, &e), &e), "fm_view_advise", which);
  check(is_closed(fm_view_pin(v, &e), &e), "fm_view_pin", which);
  check(is_closed(fm_view_unpin(v, &e), &e), "fm_view_unpin", which);
  check(is_closed(fm_view_commit(v, 0, 0, &e), &e), "fm_view_commit", which);
  check(fm_view_map(v) == NULL, "fm_view_map", which);
  check(!fm_view_is_lost(v), "fm_view_is_lost", which);
  check(fm_view_pin(v, NULL) == FM_CLOSED, "fm_view_pin without an fm_error", which);
  memcpy(before, open->data, sizeof before);
  fm_view_copy(open, 0, v, 0, sizeof before);
  fm_view_copy(v, 0, open, 0, sizeof before);
  memcpy(after, open->data, sizeof after);
  check(memcmp(before, after, sizeof before) == 0, "fm_view_copy", which);
  fm_view_close(v);
}

/* A compiler may move the first read behind the check, unless fm_view_is_lost keeps it from that. */
static int read_number(const fm_view *v, int *out)
{
  const int x = ((const int *)v->data)[3];
  if (fm_view_is_lost(v)) return FM_TRUNCATED;
  *out = x;
  return FM_OK;
}

static int (*volatile read_without_inlining)(const fm_view *, int *) = read_number;

static int read_lost(const char *path)
{
#ifdef _WIN32
  (void)path;
  return 2;
#else
  fm_map *m;
  fm_view v;
  int x = 1;
  fm_options o = fm_default_options();
  o.size = 4096;
  if (fm_file(&m, path, &o, NULL) != FM_OK || fm_view_open(&v, m, 0, 4096, FM_RW, NULL) != FM_OK) return 2;
  ((int *)v.data)[3] = 7;
  if (read_without_inlining(&v, &x) != FM_OK || x != 7) printf("the page is not there\n");
  if (truncate(path, 0) != 0) return 2;
  if (read_without_inlining(&v, &x) != FM_TRUNCATED || x != 7) printf("%d was read from a lost page\n", x);
  fm_view_close(&v);
  fm_map_close(m);
  printf("done\n");
  return 0;
#endif
}

static int use_closed(void)
{
  fm_map *m;
  fm_view open = {0}, closed = {0}, never = {0};
  fm_options o = fm_default_options();
  if (fm_create(&m, NULL, 100, &o, NULL) != FM_OK || fm_view_open(&open, m, 0, 100, FM_RW, NULL) != FM_OK ||
      fm_view_open(&closed, m, 0, 100, FM_RW, NULL) != FM_OK)
    return 2;
  fm_view_close(&closed);
  call_all(&closed, &open, "closed");
  call_all(&never, &open, "zeroed");
  fm_view_close(&open);
  fm_map_close(m);
  printf("done\n");
  return 0;
}

int main(int count, char **arguments)
{
  if (count == 2 && strcmp(arguments[1], "closed") == 0) return use_closed();
  if (count == 3 && strcmp(arguments[1], "lost") == 0) return read_lost(arguments[2]);
  return 2;
}
